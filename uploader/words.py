"""The uploader's sentences in French and in English, chosen by the computer's locale."""

import os
from collections.abc import Mapping

WORDS = {
    "fr": {
        "usage": "Envoie un dossier de photos à un événement ; ce qui y est déjà n’est pas renvoyé.",
        "help.folder": "le dossier des photos, avec tout ce qu’il contient",
        "help.event": "le code de l’événement",
        "help.server": "l’adresse du service (ou REPERIO_SERVER)",
        "help.user": "votre nom ou votre adresse email (ou REPERIO_USER)",
        "help.otp": "le code de la double authentification (ou REPERIO_OTP)",
        "help.watch": "suivre le dossier, jusqu’à Ctrl-C",
        "help.still": "secondes sans changement après lesquelles une photo suivie part",
        "help.patience": "secondes sans réponse du service après lesquelles on renonce (sans fin avec --watch)",
        "no_folder": "Il n’y a pas de dossier {folder}.",
        "no_user": "Indiquez votre nom : --user, ou REPERIO_USER.",
        "no_server": "Indiquez l’adresse du service : --server, ou REPERIO_SERVER.",
        "no_password": "Il faut un mot de passe : au clavier, ou dans REPERIO_PASSWORD.",
        "password": "Mot de passe de {user} : ",
        "no_otp": "Ce compte a une double authentification. Donnez le code : au clavier, --otp, ou REPERIO_OTP.",
        "otp": "Code de l’application d’authentification de {user} : ",
        "away": "Le service ne répond pas à l’adresse {server}.",
        "not_this": "À l’adresse {server} répond autre chose que Reperio.",
        "no_event": "Aucun de vos événements n’a le code {code}.",
        "patience": "Le service ne répond plus. Relancez la même commande : l’envoi reprendra où il s’est arrêté.",
        "event": "{name} ({code})",
        "watching": "Le dossier {folder} est suivi. Ctrl-C pour finir.",
        "progress": "{there} sur {photos} photos · {bytes} sur {all} Mo · {rate} Mo/s",
        "left": " · encore {time}",
        "waiting": " · le service ne répond pas, nouvel essai…",
        "summary": "{sent} envoyées, {known} déjà là, {refused} écartées, {left} restantes, en {time}.",
        "kind": "Ce n’est pas une photo que le service sait lire.",
        "empty": "Le fichier est vide.",
        "large": "Trop lourde : 50 Mo au plus.",
        "large_raw": "Fichier RAW trop lourd : 120 Mo au plus.",
        "unreadable": "Le fichier n’est pas lisible.",
        "dropped": "La connexion se coupe à chaque essai.",
        "more": "… et {count} autres",
    },
    "en": {
        "usage": "Sends a folder of photos to an event; what is there already is not sent again.",
        "help.folder": "the folder of photos, with all it holds",
        "help.event": "the event's code",
        "help.server": "the service's address (or REPERIO_SERVER)",
        "help.user": "your name or email address (or REPERIO_USER)",
        "help.otp": "the code of the second factor (or REPERIO_OTP)",
        "help.watch": "follow the folder, until Ctrl-C",
        "help.still": "seconds without change after which a followed photo is sent",
        "help.patience": "seconds without an answer after which to give up (endless with --watch)",
        "no_folder": "There is no folder {folder}.",
        "no_user": "Say who you are: --user, or REPERIO_USER.",
        "no_server": "Give the service's address: --server, or REPERIO_SERVER.",
        "no_password": "A password is needed: typed, or in REPERIO_PASSWORD.",
        "password": "Password of {user}: ",
        "no_otp": "This account has a second factor. Give the code: typed, --otp, or REPERIO_OTP.",
        "otp": "Code of the authenticator app of {user}: ",
        "away": "The service does not answer at {server}.",
        "not_this": "What answers at {server} is not Reperio.",
        "no_event": "None of your events has the code {code}.",
        "patience": "The service no longer answers. Run the same command again: sending goes on where it stopped.",
        "event": "{name} ({code})",
        "watching": "Following {folder}. Ctrl-C to end.",
        "progress": "{there} of {photos} photos · {bytes} of {all} MB · {rate} MB/s",
        "left": " · {time} left",
        "waiting": " · the service does not answer, trying again…",
        "summary": "{sent} sent, {known} there already, {refused} left out, {left} remaining, in {time}.",
        "kind": "Not a photo that the service can read.",
        "empty": "The file is empty.",
        "large": "Too heavy: 50 MB at most.",
        "large_raw": "RAW file too heavy: 120 MB at most.",
        "unreadable": "The file cannot be read.",
        "dropped": "The connection drops at every try.",
        "more": "… and {count} more",
    },
}


def language(environment: Mapping[str, str] = os.environ) -> str:
    """Return `fr` or `en`, according to the locale in the environment."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "fr" if locale.lower().startswith("fr") else "en"


def say(key: str, **values: object) -> str:
    """Return the sentence for `key`; a text that is no key is returned unchanged (it came from the service)."""
    return WORDS[language()].get(key, key).format(**values) if key in WORDS["en"] else key
