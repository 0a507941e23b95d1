"""The pictures bundled with the scikit-image wheel that anybody may use, each with its licence.

Licences and authors as that package states them in `skimage/data/_fetchers.py`. Left out because it states no
licence: moon, page, motorcycle_left and motorcycle_right (Middlebury 2014), color, logo, phantom.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sais.errors import SettingsError

PUBLIC_DOMAIN = "public domain"
CC0 = "CC0"
NO_KNOWN_RESTRICTIONS = "no known copyright restrictions"


@dataclass(frozen=True)
class Source:
    """`file` is its name in the folder `skimage/data`."""

    file: str
    subject: str
    author: str
    licence: str


SOURCES = {
    "astronaut": Source("astronaut.png", "Eileen Collins", "NASA", PUBLIC_DOMAIN),
    "brick": Source("brick.png", "brick wall", "CC0Textures", CC0),
    "camera": Source("camera.png", "photographer", "Lav Varshney", CC0),
    "chelsea": Source("chelsea.png", "cat", "Stefan van der Walt", CC0),
    "clock": Source("clock_motion.png", "clock, moving", "Stefan van der Walt", PUBLIC_DOMAIN),
    "coffee": Source("coffee.png", "cup of coffee", "Rachel Michetti", CC0),
    "coins": Source("coins.png", "coins from Pompeii", "Brooklyn Museum", NO_KNOWN_RESTRICTIONS),
    "grass": Source("grass.png", "lawn", "Linolafett", CC0),
    "gravel": Source("gravel.png", "gravel", "CC0Textures", CC0),
    "horse": Source("horse.png", "silhouette of a horse", "Andreas Preuss", CC0),
    "hubble": Source("hubble_deep_field.jpg", "Hubble eXtreme Deep Field", "NASA", PUBLIC_DOMAIN),
    "retina": Source("retina.jpg", "retina", "Mikael Häggström", CC0),
    "rocket": Source("rocket.jpg", "launch of DSCOVR", "SpaceX", PUBLIC_DOMAIN),
    "tissue": Source("ihc.png", "stained colon tissue", "CMMI", NO_KNOWN_RESTRICTIONS),
}


@cache
def pictures_folder() -> Path:
    """Found without importing the package, which takes a second. SettingsError when it is not installed."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise SettingsError("the demo's photographs come with scikit-image: pip install 'sais[demo]'")
    return Path(package.origin).parent / "data"


def picture_path(source: str) -> Path:
    return pictures_folder() / SOURCES[source].file
