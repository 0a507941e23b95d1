"""The steps of a batch, each a plain async function over one chunk; the Prefect tasks are skins around them."""
