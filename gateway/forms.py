"""The forms `/ui/account_setup` and `/ui/dispatch_process`: what the JSON operations do, for people."""

from dataclasses import dataclass, field

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from gateway.accounts import account_setup
from gateway.dispatch import DispatchRequest, dispatch_process
from gateway.form_bodies import Form, SentForm
from gateway.problems import STATUSES
from gateway.rendering import page
from gateway.state import GatewayState, State
from sais.catalog.presets import current_presets
from sais.errors import InputError
from sais_models.wire import AccountSetup

router = APIRouter(include_in_schema=False)

CALLBACKS = ("mediaCallbackUrl", "thumbCallbackUrl")
ACCOUNT_FIELDS = ("root", "approx", "apiKey", *CALLBACKS)
DISPATCH_FIELDS = ("root", *CALLBACKS)
# Never sent back: a page may be kept, printed or looked at over a shoulder.
SECRETS = ("apiKey", "token")
Refusals = InputError | ValidationError | HTTPException


@dataclass(frozen=True)
class Refusal:
    """Why a form was not taken: `faults` by the name of the field, `general` what belongs to none."""

    status: int = 200
    general: str | None = None
    faults: dict[str, str] = field(default_factory=dict)


NOT_SENT = Refusal()


@router.get("/ui/account_setup")
async def account_form(state: State) -> HTMLResponse:
    return _account_page(state, Form({}), NOT_SENT)


@router.post("/ui/account_setup")
async def send_account(form: SentForm, state: State) -> HTMLResponse:
    """A new account's key and webhook secret are on the answer, and nowhere else ever after."""
    try:
        setup = AccountSetup.model_validate(form.given(ACCOUNT_FIELDS))
        info = await account_setup(setup, form.one("token"), state, Response())
    except (InputError, ValidationError, HTTPException) as error:
        return _account_page(state, form, refusal_of(error, (*ACCOUNT_FIELDS, "token")))
    return _own_referrer(page("account_made.html", info=info))


def _account_page(state: GatewayState, form: Form, refusal: Refusal) -> HTMLResponse:
    return _form_page("account_setup.html", form, refusal, needs_token=bool(state.settings.registration_token))


@router.get("/ui/dispatch_process")
async def dispatch_form(state: State, root: str = "") -> HTMLResponse:
    return await _dispatch_page(state, Form({"root": [root]} if root else {}), NOT_SENT)


@router.post("/ui/dispatch_process")
async def send_images(form: SentForm, state: State) -> Response:
    """On to the page of the batch, which shows also what was rejected."""
    answer = Response()
    images: dict[str, object] = {"images": form.lines("images"), "filters": form.all("filters")}
    try:
        order = DispatchRequest.model_validate(form.given(DISPATCH_FIELDS) | images)
        await dispatch_process(order, form.one("apiKey"), state, answer)
    except (InputError, ValidationError, HTTPException) as error:
        return await _dispatch_page(state, form, refusal_of(error, (*DISPATCH_FIELDS, "apiKey", "images", "filters")))
    return RedirectResponse(f"/ui/batches/{answer.headers['X-Sais-Batch']}", 303)


async def _dispatch_page(state: GatewayState, form: Form, refusal: Refusal) -> HTMLResponse:
    presets = await state.database.read(current_presets)
    return _form_page("dispatch_process.html", form, refusal, presets=list(presets.values()))


def _form_page(template: str, form: Form, refusal: Refusal, **values: object) -> HTMLResponse:
    kept = Form({name: value for name, value in form.fields.items() if name not in SECRETS})
    return _own_referrer(page(template, refusal.status, form=kept, refusal=refusal, **values))


def _own_referrer(answer: HTMLResponse) -> HTMLResponse:
    """With `no-referrer` browsers send `Origin: null` along with a form, as they do for a foreign one."""
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def refusal_of(error: Refusals, fields: tuple[str, ...]) -> Refusal:
    """In the status of the JSON operation, without what was sent: it may be a key."""
    match error:
        case ValidationError():
            found = {str(one["loc"][0]): str(one["msg"]) for one in error.errors() if one["loc"]}
            return _sorted(422, found, fields)
        case HTTPException():
            return Refusal(error.status_code, str(error.detail))
        case InputError():
            status = next(status for kind, status in STATUSES if isinstance(error, kind))
            return _sorted(status, {error.field or "": str(error)}, fields)


def _sorted(status: int, found: dict[str, str], fields: tuple[str, ...]) -> Refusal:
    """What names no field of the page is told above the form."""
    general = "; ".join(words for name, words in found.items() if name not in fields)
    return Refusal(status, general or None, {name: words for name, words in found.items() if name in fields})
