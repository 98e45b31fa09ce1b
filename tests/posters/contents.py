"""What posters of tests say: names that are short, long, and in every direction, with and without a network."""

from dataclasses import replace

import cv2
import numpy as np

from posters.content import Content, FormatName, Wifi, Wording
from posters.formats import PAPERS, picture_mm

FRENCH = Wording(
    "22 décembre 2030",
    "Vos photos vous attendent",
    ("Scannez", "Souriez", "Retrouvez-vous"),
    "Ou tapez",
    "Votre portrait ne sert qu’à retrouver vos photos. Effacez-le quand vous voulez.",
    "Wi-Fi",
)
ENGLISH = Wording(
    "22 December 2030",
    "Your photos are waiting",
    ("Scan", "Smile", "Find yourself"),
    "Or type",
    "Your portrait is only used to find your photos. Erase it whenever you like.",
    "Wi-Fi",
)
WIFI = Wifi("Salle des fêtes; côté jardin", 'un:mot,"de"\\passe;de soixante-trois caracteres, au plus, je crois')
NAMES = {
    "short": "Léa & Tom",
    "long": "Le très long mariage d’une famille au nom interminable " * 6,
    "one word": "Donaudampfschifffahrtsgesellschaftskapitän" * 7,
    "Arabic": "حفل زفاف ليلى وآدم 2030 " * 8,
    "Hebrew": "החתונה של נועה ואדם (2030)",
    "emoji": "Camille 💍 Théo 👩🏽‍❤️‍👨🏻 " * 10,
    "Polish, Greek, Russian": "Ślub Żanety · Οι φωτογραφίες · Свадьба",
    "Chinese": "佐藤さんと田中さんの結婚式 " * 12,
}


def content(
    name: str = NAMES["short"],
    *,
    words: tuple[Wording, ...] = (FRENCH,),
    wifi: Wifi | None = None,
    code: str = "ABCD2345",
    site: str = "photos.example.org",
) -> Content:
    return Content(name[:300], code, f"https://{site}/join?event_code={code}", site, words, wifi)


def with_cover(said: Content, paper: FormatName, dots: int = 60) -> Content:
    """Return what a poster says with a grey cover of the right proportions."""
    width, height = (round(side / 25.4 * dots) for side in picture_mm(PAPERS[paper], said))
    return replace(said, cover=cv2.imencode(".jpg", np.full((height, width, 3), 120, np.uint8))[1].tobytes())
