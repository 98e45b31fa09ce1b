"""Every text that a person reads over the API, in French and in English. Errors have theirs in `errors.py`."""

from enum import Enum

import errors
from keys import MAX_CHOSEN, MAX_EVENT_NAME, MAX_EXPIRY_DAYS, MAX_LINK_DAYS, MAX_PASSWORD, MAX_USERNAME

FRENCH, ENGLISH = "fr", "en"
# Types of errors about fields, beside Pydantic's own.
CONTROL_CHARACTERS, LINK_DAYS, CHILD_NAME = "control_characters", "link_days", "child_name"


class Success(Enum):
    """The `message` of calls that succeed: French, English."""

    PHOTOGRAPHER_CREATED = "Photographe créé avec succès", "Photographer created"
    PHOTOGRAPHER_CHANGED = "Photographe modifié avec succès", "Photographer changed"
    PHOTOGRAPHER_DELETED = "Photographe supprimé", "Photographer deleted"
    ADMIN_CREATED = "Administrateur créé avec succès", "Administrator created"
    GUEST_DELETED = "Invité supprimé", "Guest deleted"
    LOGGED_OUT = "Vous êtes déconnecté", "You are logged out"
    SECOND_FACTOR_OFF = "Double authentification désactivée", "Second factor switched off"
    SESSION_ENDED = "Session terminée", "Session ended"
    SESSIONS_ENDED = "Sessions terminées", "Sessions ended"
    PASSWORD_CHANGED = "Mot de passe modifié", "Password changed"
    CONSENT_GIVEN = "Consentement enregistré", "Consent recorded"
    CONSENT_WITHDRAWN = "Consentement retiré", "Consent withdrawn"
    ACCOUNT_DELETED = "Compte supprimé", "Account deleted"

    RESET_ASKED = (
        "Si un compte a cette adresse, un email vient de partir. Son lien est valable 30 minutes.",
        "If an account has this address, an email is on its way. Its link is valid for 30 minutes.",
    )
    RESET_WITHOUT_MAIL = (
        "Ce service n'envoie pas d'emails. Demandez un lien à un administrateur ou à l'organisateur de l'événement.",
        "This service sends no emails. Ask an administrator or the organiser of your event for a link.",
    )
    PASSWORD_SET = "Mot de passe enregistré. Connectez-vous.", "Password saved. Please log in."
    ADDRESS_CONFIRMED = "Adresse confirmée", "Address confirmed"

    EVENT_CREATED = "Événement créé avec succès", "Event created"
    EVENT_CHANGED = "Événement modifié avec succès", "Event changed"
    EXPIRY_CHANGED = "Date d'expiration modifiée", "Expiry changed"
    EVENT_DELETED = "Événement supprimé", "Event deleted"
    EVENT_JOINED = "Inscription réussie", "You have joined the event"
    CODE_GENERATED = "Code généré", "Code generated"
    CODE_CHANGED = "Code mis à jour", "Code updated"
    COVER_CHOSEN = "Photo de couverture choisie", "Cover photo chosen"
    COVER_REMOVED = "Photo de couverture retirée", "Cover photo removed"
    MATCHING_QUEUED = "Le matching a été relancé", "Matching has been started again"

    SELFIE_RECEIVED = (
        "Selfie uploadé avec succès. Le matching est en cours...",
        "Selfie uploaded. Matching is in progress...",
    )
    SELFIE_DELETED = "Selfie supprimé", "Selfie deleted"
    PHOTOS_RECEIVED = "{number} photo(s) uploadée(s) avec succès", "{number} photo(s) uploaded"
    PHOTO_DELETED = "Photo supprimée", "Photo deleted"
    PHOTOS_DELETED = "{number} photo(s) supprimée(s)", "{number} photo(s) deleted"
    PHOTO_RESTORED = "Photo restaurée", "Photo restored"
    PHOTO_ERASED = "Photo effacée définitivement", "Photo erased for good"
    PHOTO_REFUSED = "Cette photo ne vous sera plus attribuée", "This photo will no longer be matched with you"
    PHOTO_COMPARED = (
        "La photo a de nouveau été comparée à votre selfie",
        "The photo has been compared with your selfie again",
    )

    REPORT_DECIDED = "Signalement traité", "Report decided"
    PHOTO_GIVEN = "La photo est donnée à cet invité", "The photo is given to this guest"
    PHOTO_TAKEN = "La photo n'est plus à cet invité", "The photo is no longer this guest's"
    SERIES_SET = "C'est corrigé", "Corrected"
    PHOTO_CONFIRMED = "C'est noté : vous êtes sur cette photo", "Noted: you are in this photo"
    CONFIRMATION_TAKEN_BACK = "Votre indication est retirée", "What you said is taken back"
    PORTRAIT_DELETED = "Portrait supprimé", "Portrait deleted"
    PHOTO_LINK_REVOKED = "Lien désactivé", "Link revoked"
    CHILD_ERASED = "Profil de l'enfant effacé", "The child's profile is erased"
    GROUP_LEFT = "Vous avez quitté le groupe", "You have left the group"

    NOT_TOLD_ANY_MORE = "Nous ne vous préviendrons plus ici", "You will not be told there any more"
    DEVICE_RENEWED = "Appareil mis à jour", "Device updated"

    WELCOME = "API de Reperio : /docs la décrit", "API of Reperio: described at /docs"
    JOB_CANCELLED = "Tâche annulée", "Job cancelled"

    def text(self, language: str, **values: object) -> str:
        """Return the message in `language` (`fr` or `en`), with `values` in place of the names in braces."""
        french, english = self.value
        return (english if language == ENGLISH else french).format(**values)


# --- requests of the wrong form --------------------------------------------------------------------

# The sentence about a field of the wrong form: French, English. A field without one is only named.
INVALID_FIELDS = {
    "email": ("L'adresse email n'est pas valide.", "The email address is not valid."),
    "username": (
        f"Le nom d'utilisateur n'est pas valide (1 à {MAX_USERNAME} caractères).",
        f"The username is not valid (1 to {MAX_USERNAME} characters).",
    ),
    "password": (
        f"Le mot de passe n'est pas valide (1 à {MAX_PASSWORD} caractères).",
        f"The password is not valid (1 to {MAX_PASSWORD} characters).",
    ),
    "current": ("Indiquez votre mot de passe actuel.", "Give your current password."),
    "new": (
        f"Le nouveau mot de passe n'est pas valide (1 à {MAX_PASSWORD} caractères).",
        f"The new password is not valid (1 to {MAX_PASSWORD} characters).",
    ),
    "photo_ids": (
        f"Choisissez au moins une photo, et {MAX_CHOSEN} au plus.",
        f"Choose at least one photo, and {MAX_CHOSEN} at most.",
    ),
    "event_code": ("Le code événement n'est pas valide.", "The event code is not valid."),
    "file": ("Aucun fichier reçu.", "No file received."),
    "files": ("Aucun fichier reçu.", "No file received."),
    "selfie": ("Aucun fichier reçu.", "No file received."),
    "name": (
        f"Le nom n'est pas valide (1 à {MAX_EVENT_NAME} caractères).",
        f"The name is not valid (1 to {MAX_EVENT_NAME} characters).",
    ),
    "timezone": ("Le fuseau horaire n'est pas valide.", "The time zone is not valid."),
    "days": (
        f"Le nombre de jours n'est pas valide (1 à {MAX_EXPIRY_DAYS}).",
        f"The number of days is not valid (1 to {MAX_EXPIRY_DAYS}).",
    ),
    "date": ("La date n'est pas valide.", "The date is not valid."),
    # Not names of fields, but types of Pydantic's errors (`api.fields`): they say more than the name.
    CONTROL_CHARACTERS: (
        "Un texte contient un caractère invisible, comme un retour à la ligne ou une tabulation. Retapez-le.",
        "A text has an invisible character in it, such as a line break or a tab. Type it again.",
    ),
    LINK_DAYS: (
        f"Le nombre de jours n'est pas valide (1 à {MAX_LINK_DAYS}).",
        f"The number of days is not valid (1 to {MAX_LINK_DAYS}).",
    ),
    CHILD_NAME: (
        f"Le nom n'est pas valide (1 à {MAX_USERNAME} caractères).",
        f"The name is not valid (1 to {MAX_USERNAME} characters).",
    ),
}


def said_of(name: str, kind: str) -> list[str]:
    """Return what to tell of a field that is not valid, as keys of `INVALID_FIELDS`; `kind` is the error's type."""
    if kind == CONTROL_CHARACTERS:
        return [name, kind]
    return [kind if kind in INVALID_FIELDS else name]


def invalid_fields(names: list[str], language: str) -> str:
    """Return the `detail` of a 422: the sentence of each field in `names`; fields without one are only named."""
    known = [INVALID_FIELDS[name][language == ENGLISH] for name in names if name in INVALID_FIELDS]
    unknown = [name for name in names if name not in INVALID_FIELDS]
    general = errors.InvalidRequest.english if language == ENGLISH else errors.InvalidRequest.message
    if unknown or not known:
        known.append(f"{general} ({', '.join(unknown)})" if unknown else general)
    return " ".join(dict.fromkeys(known))


def refused_by_framework(detail: str, language: str) -> str:
    """Return the text for an error of the web framework: in English its own `detail`, which is more precise."""
    return detail if language == ENGLISH else errors.InvalidRequest.message


class Problem:
    """The `problem` of a field in a 422, for programmers. In English only, as Pydantic's own texts are."""

    CONTROL_CHARACTERS = "control characters are not allowed"
    LINK_DAYS = f"this is not a whole number from 1 to {MAX_LINK_DAYS}"
    NOTHING_VISIBLE = "there is nothing to see in it"
    NOT_UNICODE = "the text is not valid Unicode"
    NAME_LENGTH = "the name is empty or too long"
    ADDRESS = "this is not a valid email address"
    ADDRESS_LENGTH = "the address is too long"
    CODE_LENGTH = "the code is empty or too long"
    TIME_ZONE = "this is not a time zone, such as Europe/Paris"
    YEAR = "the year must lie between 1970 and 2200"
