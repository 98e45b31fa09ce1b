"""The catalogue of errors: each has an HTTP status and a message in French and in English.

The name of a class is part of the API: clients and rows use it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from keys import (
    MAX_CHILDREN,
    MAX_GROUPS,
    MAX_LINK_PHOTOS,
    MAX_PHOTO_LINKS,
    MAX_PORTRAITS,
    MAX_TOGETHER,
    MIN_PASSWORD,
    MIN_STAFF_PASSWORD,
)


class AppError(Exception):
    """An error that a caller gets as an answer: `status_code`, `message` (French) and `english`."""

    status_code: ClassVar[int] = 400
    message: ClassVar[str] = "Requête invalide."
    english: ClassVar[str] = "Invalid request."
    headers: Mapping[str, str] = {}

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.message)
        self.extra = extra

    def body(self, language: str) -> dict[str, Any]:
        """Return the JSON answer in `language` (`fr` or `en`): `detail`, `error` and the extra fields."""
        detail = self.english if language == "en" else self.message
        return {"detail": detail, "error": type(self).__name__, **self.extra}


# --- the caller ---------------------------------------------------------------------------------


class NotAuthenticated(AppError):
    status_code = 401
    message = "Authentification requise. Connectez-vous."
    english = "Please log in."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class InvalidToken(NotAuthenticated):
    message = "Votre session a expiré ou n'est pas valide. Reconnectez-vous."
    english = "Your session has expired or is not valid. Please log in again."
    # Whether the account was deleted: for the pages, never part of the answer.
    account_is_gone = False


class BadCredentials(AppError):
    status_code = 401
    message = "Nom d'utilisateur ou mot de passe incorrect"
    english = "Wrong username or password"
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class SecondFactorRequired(AppError):
    status_code = 401
    message = "Saisissez aussi le code de votre application d'authentification."
    english = "Please also enter the code of your authenticator app."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}

    def __init__(self, ticket: str = "", **extra: Any) -> None:
        """`ticket`, which stands for the password, is for the pages and never part of the answer."""
        super().__init__(**extra)
        self.ticket = ticket


class WrongSecondFactor(BadCredentials):
    message = "Ce code n'est pas le bon, ou il a déjà servi. Attendez le suivant."
    english = "This code is wrong or was used before. Wait for the next one."


class StaffOnly(AppError):
    status_code = 403
    message = "Réservé aux photographes et aux administrateurs."
    english = "For photographers and administrators only."


class SecondFactorMissing(AppError):
    status_code = 403
    message = "Activez d'abord la double authentification de votre compte."
    english = "First switch on the second factor of your account."


class SecondFactorEnabled(AppError):
    status_code = 409
    message = "La double authentification est déjà activée."
    english = "The second factor is already on."


class NoSecondFactor(AppError):
    status_code = 409
    message = "La double authentification n'est pas activée."
    english = "The second factor is not on."


class SeveralAccounts(AppError):
    status_code = 409
    message = "Plusieurs comptes correspondent. Précisez le code de votre événement."
    english = "Several accounts match. Please give the code of your event."

    def __init__(self, tickets: Sequence[str] = (), **extra: Any) -> None:
        """`tickets`, one for each of the `accounts`, are for the pages and never part of the answer."""
        super().__init__(**extra)
        self.tickets = tickets


class NotAllowed(AppError):
    status_code = 403
    message = "Vous n'avez pas accès à cette ressource."
    english = "You do not have access to this."


class CsrfMismatch(NotAllowed):
    message = "Cette page est restée ouverte trop longtemps. Rechargez-la et recommencez."
    english = "This page was open for too long. Reload it and try again."


class CookiesRefused(CsrfMismatch):
    message = "Votre navigateur n'a pas gardé le cookie de ce site. Autorisez les cookies, puis rechargez la page."
    english = "Your browser did not keep this site's cookie. Allow cookies, then reload the page."


class GuestsOnly(NotAllowed):
    message = "Cette action est réservée aux invités."
    english = "Only guests can do this."


class PhotographersOnly(NotAllowed):
    message = "Cette action est réservée aux photographes."
    english = "Only photographers can do this."


class AdminsOnly(NotAllowed):
    message = "Cette action est réservée aux administrateurs."
    english = "Only administrators can do this."


class GuestAccountsOnly(NotAllowed):
    message = "On ne peut s'inscrire que comme invité."
    english = "Only guests can register here."


class PhotographerSelfie(NotAllowed):
    message = "Les photographes ne peuvent pas uploader de selfies"
    english = "Photographers cannot upload selfies"


class NotYourPhotos(NotAllowed):
    message = "Vous ne pouvez supprimer que vos propres photos"
    english = "You can only delete your own photos"


class NotInEvent(NotAllowed):
    message = "Vous n'êtes pas inscrit à cet événement."
    english = "You are not registered for this event."


# --- accounts and events -----------------------------------------------------------------------


class AccountTaken(AppError):
    message = "Username ou email déjà utilisé"
    english = "Username or email already in use"


class UsernameIsNotOwnEmail(AppError):
    message = "Un nom d'utilisateur avec « @ » doit être votre propre adresse email."
    english = "A username with an @ must be your own email address."


class RefusedPassword(AppError):
    """A new password that breaks one of the rules (`accounts.password_rules`)."""

    message = "Ce mot de passe ne peut pas être utilisé."
    english = "This password cannot be used."


class PasswordTooShort(RefusedPassword):
    message = f"Le mot de passe doit avoir au moins {MIN_PASSWORD} caractères."
    english = f"The password needs at least {MIN_PASSWORD} characters."


class StaffPasswordTooShort(RefusedPassword):
    message = f"Le mot de passe doit avoir au moins {MIN_STAFF_PASSWORD} caractères."
    english = f"The password needs at least {MIN_STAFF_PASSWORD} characters."


class PasswordTooCommon(RefusedPassword):
    message = "Ce mot de passe est l'un des plus utilisés au monde. Choisissez-en un autre."
    english = "This password is one of the most used in the world. Choose another one."


class PasswordGuessable(RefusedPassword):
    message = "Ce mot de passe se devine trop facilement. Prenez plusieurs mots sans rapport entre eux ni avec vous."
    english = "This password is too easy to guess. Take several words unrelated to each other and to you."


class PasswordUnchanged(RefusedPassword):
    message = "C'est déjà votre mot de passe. Choisissez-en un autre."
    english = "This is your password already. Choose another one."


class EventNotFound(AppError):
    status_code = 404
    message = "Code événement invalide"
    english = "Invalid event code"


class AmbiguousEventCode(EventNotFound):
    message = "Code événement invalide : plusieurs codes lui ressemblent. Saisissez-le exactement, tirets compris."
    english = "Invalid event code: several codes resemble it. Enter it exactly as it is written, with its hyphens."


class NoSuchEvent(AppError):
    status_code = 404
    message = "Événement introuvable."
    english = "Event not found."


class NoSuchPhotographer(AppError):
    status_code = 404
    message = "Photographe introuvable."
    english = "Photographer not found."


class NoSuchUser(AppError):
    status_code = 404
    message = "Utilisateur introuvable."
    english = "User not found."


class NoSuchSession(AppError):
    status_code = 404
    message = "Cette session n'existe pas ou est déjà terminée."
    english = "There is no such session, or it has ended already."


class AlreadyJoined(AppError):
    message = "Vous êtes déjà inscrit à cet événement"
    english = "You are already registered for this event"


class ConsentWithdrawn(AppError):
    status_code = 409
    message = "Vous avez retiré votre accord : donnez-le de nouveau pour envoyer un selfie."
    english = "You have withdrawn your consent: give it again to send a selfie."


class ConsentRequired(AppError):
    status_code = 403
    message = "Votre accord est nécessaire avant d'envoyer un selfie : donnez-le d'abord pour cet événement."
    english = "Your consent is needed before you send a selfie: give it for this event first."


class UnknownConsentVersion(AppError):
    message = "Cette version du texte d'accord n'existe pas, ou n'est plus proposée. Rechargez la page."
    english = "There is no such version of the consent text, or it is no longer in use. Reload the page."


class NoSuchWording(AppError):
    status_code = 404
    message = "Il n'y a pas de texte d'accord de cette version."
    english = "There is no consent text of this version."


class NoNewsWithoutConsent(ConsentWithdrawn):
    message = "Sans votre accord, nous ne vous cherchons pas dans les photos : donnez-le pour être prévenu."
    english = "Without your consent you are not looked for: give it to be told of new photos."


class EventExpired(AppError):
    status_code = 409
    message = "Cet événement n'accepte plus de selfies."
    english = "This event no longer accepts selfies."


class FacesEnded(AppError):
    status_code = 409
    message = "Les visages ne sont plus comparés pour cet événement."
    english = "Faces are no longer compared in this event."


class BystandersAtAzure(AppError):
    status_code = 409
    message = (
        "Avec Azure, les visages des passants restent aussi longtemps que ceux des invités : ses listes comparent "
        "tous les visages. Choisissez « keep »."
    )
    english = (
        "With Azure, the faces of bystanders stay as long as those of guests: its lists compare all faces. "
        'Choose "keep".'
    )


class NotInTrash(AppError):
    status_code = 404
    message = "Cette photo n'est pas dans votre corbeille."
    english = "This photo is not in your trash."


class PhotosEnded(AppError):
    status_code = 409
    message = "Les photos de cet événement ont été effacées : il n'en reçoit plus."
    english = "The photos of this event have been erased: it takes no more."


class EventCodeTaken(AppError):
    status_code = 409
    message = "Ce code est déjà utilisé par un autre événement."
    english = "This code is already used by another event."


class NoEventAssigned(AppError):
    status_code = 404
    message = "Aucun événement ne vous est attribué."
    english = "No event is assigned to you."


class SeveralEvents(AppError):
    status_code = 409
    message = "Vous avez plusieurs événements : précisez lequel."
    english = "You have several events: please say which one."


class BadWifi(AppError):
    status_code = 422
    message = "Ce réseau Wi-Fi n'est pas possible : vérifiez son nom et son mot de passe."
    english = "Such a Wi-Fi network cannot exist: please check its name and its password."


class NoCover(AppError):
    status_code = 409
    message = "L'événement n'a pas de photo de couverture."
    english = "The event has no cover photo."


class CoverTooSmall(AppError):
    status_code = 409
    message = "La photo de couverture a trop peu de pixels pour ce format."
    english = "The cover photo has too few pixels for this size."


class AccountsWouldCollide(AppError):
    status_code = 409
    message = "Des comptes de cet événement portent le même nom qu'un compte d'un autre événement rejoint."
    english = "Accounts of this event share a name with an account of another event they joined."


class ResetLinkInvalid(AppError):
    message = "Ce lien n'est plus valable : il a déjà servi, ou il a plus de 30 minutes. Demandez-en un autre."
    english = "This link is no longer valid: it was used already, or is older than 30 minutes. Ask for another one."


class UnsubscribeLinkInvalid(AppError):
    message = "Ce lien de désinscription n'est pas valable."
    english = "This unsubscribe link is not valid."


class LoginLinkInvalid(AppError):
    message = "Ce lien ne mène à aucun compte. Vérifiez qu'il est entier."
    english = "This link leads to no account. Check that it is complete."

    def __init__(self, user_id: int | None = None) -> None:
        """`user_id`, the account's id if the link is known, is for the pages and never part of the answer."""
        super().__init__()
        self.user_id = user_id


class LoginLinkUsed(LoginLinkInvalid):
    message = "Ce lien a déjà servi. Demandez-en un autre."
    english = "This link was used already. Ask for another one."


class LoginLinkExpired(LoginLinkInvalid):
    message = "Ce lien n'est plus valable : il est trop ancien, ou l'événement est terminé. Demandez-en un autre."
    english = "This link is no longer valid: it is too old, or the event is over. Ask for another one."


class LoginLinkRevoked(LoginLinkInvalid):
    message = "Ce lien a été remplacé ou désactivé. Utilisez le plus récent."
    english = "This link was replaced or switched off. Use the latest one."


class LoginLinkClosed(LoginLinkInvalid):
    message = "Ce compte est fermé. Adressez-vous à la personne qui organise l'événement."
    english = "This account is closed. Ask the person who organises the event."


class NoLinkForStaff(NotAllowed):
    message = "Seuls les comptes d'invités ont un lien de connexion."
    english = "Only guests' accounts have a link that logs in."


class NoAccountToOpen(AppError):
    status_code = 409
    message = "Aucun compte de cet événement ne s'ouvre par ce portrait."
    english = "No account of this event is opened by this portrait."


class NoHelpByPortrait(AppError):
    status_code = 409
    message = "L'événement est terminé, ou les portraits n'y sont pas comparés ici."
    english = "The event is over, or its portraits are not compared here."


class ConfirmationLinkInvalid(AppError):
    message = "Ce lien de confirmation n'est plus valable."
    english = "This confirmation link is no longer valid."


class AccountClosed(AppError):
    status_code = 409
    message = "Ce compte est fermé : rouvrez-le d'abord."
    english = "This account is closed: open it again first."


class NoLinkForAdmins(NotAllowed):
    message = "Un administrateur ne peut pas changer le mot de passe d'un autre administrateur."
    english = "An administrator cannot change the password of another administrator."


class UnknownProvider(AppError):
    message = "Ce moteur de reconnaissance n'existe pas : local, dlib ou azure."
    english = "There is no such recogniser: local, dlib or azure."


class ProviderNotConfigured(AppError):
    message = "Ce moteur de reconnaissance n'est pas configuré ici : il lui manque ses paquets ou ses réglages."
    english = "This recogniser is not configured here: its packages or its settings are missing."


class GuestNotInEvent(AppError):
    status_code = 404
    message = "Cette personne n'est pas inscrite à cet événement."
    english = "This person is not a guest of this event."


class GuestHasNoPortrait(AppError):
    status_code = 409
    message = "Cette personne n'a pas de selfie accepté : il n'y a rien à comparer."
    english = "This person has no accepted selfie: there is nothing to compare."


class GuestHasNotConsented(AppError):
    status_code = 409
    message = "Cette personne n'a pas donné son accord pour cet événement : son visage n'y est pas cherché."
    english = "This person has not given consent for this event: their face is not searched there."


class GuestHasWithdrawn(AppError):
    status_code = 409
    message = "Cette personne a retiré son accord pour cet événement : son visage n'y est pas cherché."
    english = "This person has withdrawn the consent for this event: their face is not searched there."


class NoSuchEvaluation(AppError):
    status_code = 404
    message = "Évaluation introuvable : les résultats sont gardés un jour."
    english = "Evaluation not found: results are kept for a day."


# --- pictures ----------------------------------------------------------------------------------


class NotAnImage(AppError):
    message = "Le fichier doit être une image"
    english = "The file must be an image"


class ImageTooLarge(AppError):
    message = "Image trop volumineuse (max 10MB)"
    english = "Image too large (max 10MB)"


class SelfieBodyTooLarge(ImageTooLarge):
    status_code = 413


class InvalidImage(AppError):
    message = "Format d'image invalide"
    english = "Invalid image format"


class ImageDamaged(InvalidImage):
    message = "Le fichier image est endommagé ou incomplet."
    english = "The image file is damaged or incomplete."


class TiffNotRead(InvalidImage):
    message = (
        "Ce TIFF est d'un genre qui n'est pas lu (32 bits, Lab ou compression rare). "
        "Enregistrez-le en TIFF RVB de 8 ou 16 bits, ou en JPEG."
    )
    english = (
        "This kind of TIFF is not read (32 bits, Lab or a rare compression). "
        "Save it as an RGB TIFF of 8 or 16 bits, or as a JPEG."
    )


class RawWithoutPreview(InvalidImage):
    message = (
        "Ce fichier RAW ne contient pas d'aperçu JPEG assez grand (1000 pixels au moins). "
        "Envoyez aussi la photo en JPEG, ou exportez-la en DNG avec un aperçu pleine taille."
    )
    english = (
        "This RAW file has no JPEG preview that is large enough (at least 1000 pixels). "
        "Send the photo as a JPEG, or export it as a DNG with a full-size preview."
    )


class TooManyPixels(InvalidImage):
    message = "Cette image compte trop de pixels."
    english = "This image has too many pixels."

    def __init__(self, limit: int = 0, *, of_photo: bool = False) -> None:
        """`limit` is the number of pixels that an image of this kind may have; 0 if unknown.

        With `of_photo`, the detail also says what a photographer can do.
        """
        super().__init__()
        self.limit, self.of_photo = limit, of_photo

    def body(self, language: str) -> dict[str, Any]:
        """Return the JSON answer in `language`; the detail says the limit in megapixels."""
        answer = super().body(language)
        if self.limit:
            megapixels = f"{self.limit / 1e6:.3g}" if self.limit < 1_000_000 else str(self.limit // 1_000_000)
            words = (
                "The limit for this kind of image is {} megapixels.",
                "La limite pour ce type d'image est de {} mégapixels.",
            )
            answer["detail"] += " " + words[language != "en"].format(megapixels)
        if self.of_photo:
            words = (
                "Export it smaller, or as a JPEG that is not progressive.",
                "Exportez-la plus petite, ou en JPEG non progressif.",
            )
            answer["detail"] += " " + words[language != "en"]
        return answer


class TooManyScans(InvalidImage):
    message = (
        "Ce JPEG progressif est découpé en trop de passes (100 au plus). Enregistrez-le à nouveau et recommencez."
    )
    english = "This progressive JPEG is split into too many scans (at most 100). Save it again and retry."


class ImageTooCostly(InvalidImage):
    message = "Cette image ne peut pas être lue : elle demande trop de temps ou de mémoire."
    english = "This image cannot be read: it takes too much time or memory."


class PhotoTooLarge(AppError):
    message = "Photo trop volumineuse (max 50MB)"
    english = "Photo too large (max 50MB)"


class RawTooLarge(PhotoTooLarge):
    message = "Fichier RAW trop volumineux."
    english = "RAW file too large."

    def __init__(self, limit: int = 0) -> None:
        """`limit` is the number of bytes that a RAW file may have; 0 if unknown."""
        super().__init__()
        self.limit = limit

    def body(self, language: str) -> dict[str, Any]:
        """Return the JSON answer in `language`; the detail says the limit."""
        answer = super().body(language)
        if self.limit:
            words = ("The limit is {} MB.", "La limite est de {} Mo.")
            answer["detail"] += " " + words[language != "en"].format(self.limit // 1024**2)
        return answer


class NoFilesSent(AppError):
    message = "Aucun fichier reçu."
    english = "No file received."


class SelfieNoFace(AppError):
    message = "Aucun visage détecté dans l'image. Veuillez envoyer un selfie clair de votre visage."
    english = "No face found in the picture. Please send a clear selfie of your face."


class SelfieSeveralFaces(AppError):
    message = "Plusieurs visages détectés. Veuillez envoyer un selfie avec un seul visage."
    english = "Several faces found. Please send a selfie with a single face."


class SelfieFaceTooSmall(AppError):
    message = "Visage trop petit. Approchez-vous de l'appareil et assurez-vous que le visage est net."
    english = "The face is too small. Come closer to the camera and make sure that the face is sharp."


class NoSelfie(AppError):
    status_code = 404
    message = "Vous n'avez pas encore envoyé de selfie."
    english = "You have not sent a selfie yet."


class NoSuchSelfie(AppError):
    status_code = 404
    message = "Selfie introuvable."
    english = "Selfie not found."


class TooManyPortraits(AppError):
    status_code = 409
    message = f"Vous avez déjà {MAX_PORTRAITS} portraits. Supprimez-en un d'abord."
    english = f"You have {MAX_PORTRAITS} portraits already. Delete one first."


class NoSuchFace(AppError):
    status_code = 404
    message = "Ce visage n'est pas sur cette photo."
    english = "This face is not in this photo."


class FaceNotKept(AppError):
    status_code = 409
    message = (
        "Les visages que personne n'a reconnus ne sont pas gardés pour cet événement. Ajoutez un portrait : "
        "les photos seront relues pour vous."
    )
    english = (
        "Faces that nobody has recognised are not kept in this event. Add a portrait: the photos are then searched "
        "for you again."
    )


class FaceNotLikely(AppError):
    status_code = 409
    message = "Ce visage ne ressemble pas assez à vos portraits. Ajoutez un portrait où l'on vous reconnaît mieux."
    english = "This face is not similar enough to your portraits. Add a portrait that shows you better."


class FaceOfAnother(AppError):
    status_code = 409
    message = "Ce visage est très probablement celui d'une autre personne."
    english = "This face very probably belongs to somebody else."


class NoSuchConfirmation(AppError):
    status_code = 404
    message = "Vous n'avez pas dit que c'est vous sur cette photo."
    english = "You have not said that this photo shows you."


class NoSuchChild(AppError):
    status_code = 404
    message = "Ce profil d'enfant n'existe pas, ou ce n'est pas vous qui le tenez."
    english = "There is no such child's profile, or you do not hold it."


class TooManyChildren(AppError):
    status_code = 409
    message = f"Vous tenez déjà {MAX_CHILDREN} profils d'enfants. Effacez-en un d'abord."
    english = f"You hold {MAX_CHILDREN} children's profiles already. Erase one first."


class NoSuchGroup(AppError):
    status_code = 404
    message = "Ce groupe n'existe pas, ou vous n'en faites pas partie."
    english = "There is no such group, or you are not in it."


class NoSuchInvitation(AppError):
    status_code = 404
    message = "Cette invitation n'existe plus, ou n'est pas pour l'un de vos événements."
    english = "This invitation is gone, or is not for one of your events."


class GroupFull(AppError):
    status_code = 409
    message = f"Ce groupe est complet ({MAX_TOGETHER} personnes au plus)."
    english = f"This group is full ({MAX_TOGETHER} people at most)."


class TooManyGroups(AppError):
    status_code = 409
    message = f"Vous êtes déjà dans {MAX_GROUPS} groupes de cet événement. Quittez-en un d'abord."
    english = f"You are in {MAX_GROUPS} groups of this event already. Leave one first."


class NoConfirmedAddress(AppError):
    status_code = 409
    message = "Confirmez d'abord votre adresse email."
    english = "Please confirm your email address first."


class MailIsOff(AppError):
    status_code = 409
    message = "Ce service n'envoie pas d'emails."
    english = "This service sends no emails."


class NoMorePhotos(AppError):
    status_code = 409
    message = "Cet événement est terminé : il n'y aura plus de nouvelles photos."
    english = "This event is over: there will be no new photos."


class UnknownPushService(AppError):
    message = "Nous ne connaissons pas le service de notifications de ce navigateur."
    english = "We do not know the push service of this browser."


class InvalidPushKeys(AppError):
    message = "Les clés de notification de ce navigateur ne sont pas valides."
    english = "The notification keys of this browser are not valid."


class NoSuchSubscription(AppError):
    status_code = 404
    message = "Cette notification n'existe pas, ou plus."
    english = "There is no such notification, or no longer."


class NoSuchPhotoLink(AppError):
    status_code = 404
    message = "Ce lien n'ouvre rien, ou n'ouvre plus rien. Demandez-en un autre à la personne qui vous l'a envoyé."
    english = "This link opens nothing, or nothing any more. Ask the person who sent it for another one."


class ForgedPhotoLink(NoSuchPhotoLink):
    """The service has never made this link."""


class PhotoLinkExpired(AppError):
    status_code = 410
    message = "Ce lien a expiré. Demandez-en un autre à la personne qui vous l'a envoyé."
    english = "This link has expired. Ask the person who sent it for another one."


class SharingOff(NotAllowed):
    message = "À cet événement, l'organisation n'a pas ouvert le partage par lien."
    english = "The organisers of this event have not opened sharing by link."


class SharingOver(AppError):
    status_code = 409
    message = "Cet événement est terminé : on ne peut plus y créer de lien. Enregistrez les photos pour les envoyer."
    english = "This event is over: links can no longer be made. Save the photos to send them."


class NoneOfThesePhotos(AppError):
    status_code = 404
    message = "Aucune de ces photos n'est dans votre galerie."
    english = "None of these photos is in your gallery."


class TooManyLinkedPhotos(AppError):
    message = f"Un lien montre au plus {MAX_LINK_PHOTOS} photos. Choisissez-en moins, ou créez plusieurs liens."
    english = f"A link shows at most {MAX_LINK_PHOTOS} photos. Choose fewer, or make several links."


class TooManyPhotoLinks(AppError):
    status_code = 409
    message = f"Vous avez déjà {MAX_PHOTO_LINKS} liens à cet événement. Désactivez-en un d'abord."
    english = f"You have {MAX_PHOTO_LINKS} links at this event already. Revoke one first."


class NoSuchReport(AppError):
    status_code = 404
    message = "Signalement introuvable."
    english = "Report not found."


class ReportDecided(AppError):
    status_code = 409
    message = "Ce signalement est déjà traité."
    english = "This report has been decided already."


class ErasureUnconfirmed(AppError):
    status_code = 400
    message = "Confirmez que vous voulez effacer votre compte : on ne peut pas revenir en arrière."
    english = "Please confirm that you want to erase your account: this can't be undone."


class NoSuchChoice(AppError):
    status_code = 404
    message = "Ce choix de photos n'est plus gardé. Choisissez-les de nouveau."
    english = "This choice of photos is no longer kept. Choose them again."


class NoSuchPhoto(AppError):
    status_code = 404
    message = "Photo introuvable."
    english = "Photo not found."


class NoSuchUpload(AppError):
    status_code = 404
    message = "Cet envoi n'existe pas ou n'existe plus. Recommencez l'envoi de la photo."
    english = "There is no such upload, or no longer. Send the photo again."


class UploadIncomplete(AppError):
    status_code = 409
    message = "Il manque des parties de cette photo. Envoyez-les, puis terminez l'envoi."
    english = "Parts of this photo are missing. Send them, then complete the upload."


class UploadElsewhere(AppError):
    status_code = 409
    message = "Les parties de cette photo vont directement à l'espace de stockage, aux adresses données."
    english = "The parts of this photo go to the storage itself, at the addresses that were given."


class UploadPartDiffers(AppError):
    message = "Cette partie n'est pas celle qui était annoncée : numéro, taille ou somme de contrôle. Renvoyez-la."
    english = "This part is not the one that was announced: number, size or checksum. Send it again."


class UploadDiffers(AppError):
    status_code = 409
    message = "Le fichier arrivé n'est pas celui qui était annoncé. Recommencez l'envoi de la photo."
    english = "The file that arrived is not the one that was announced. Send the photo again."


class NoSuchCamera(AppError):
    status_code = 404
    message = "Appareil photo introuvable."
    english = "Camera not found."


class NoSuchBadge(AppError):
    status_code = 404
    message = "Aucun badge de cet événement n'a ce numéro."
    english = "No badge of this event has this number."


class NoBadges(AppError):
    status_code = 409
    message = "Cet événement n'utilise pas de badges."
    english = "This event does not use badges."


class NoSuchMatch(AppError):
    status_code = 404
    message = "Cette photo ne vous est pas attribuée."
    english = "This photo is not matched with you."


class NoSuchRefusal(AppError):
    status_code = 404
    message = "Vous n'avez pas écarté cette photo."
    english = "You have not refused this photo."


class NoPhotosToDownload(AppError):
    status_code = 404
    message = "Il n'y a pas encore de photo à télécharger."
    english = "There are no photos to download yet."


class RangeNotSatisfiable(AppError):
    status_code = 416
    message = "Cette partie du fichier n'existe pas. Recommencez le téléchargement."
    english = "The file does not have that part. Start the download again."

    def __init__(self, length: int = 0) -> None:
        """`length`: of the whole file, in bytes."""
        super().__init__()
        self.headers = {"Content-Range": f"bytes */{length}", "Accept-Ranges": "bytes"}


class DownloadChanged(AppError):
    status_code = 412
    message = "Ce téléchargement ne peut pas reprendre : la liste des photos a pu changer. Recommencez-le au début."
    english = "This download cannot be resumed: the list of photos may have changed. Start it again."


class PhotoFileMissing(NoSuchPhoto):
    message = "Le fichier de cette photo n'est plus là. Envoyez-la de nouveau."
    english = "The file of this photo is gone. Send it again."


class PhotoNotProcessed(AppError):
    message = "Cette photo n'a pas pu être traitée. Réessayez ; si cela ne change rien, envoyez-la en JPEG."
    english = "This photo could not be processed. Try again; if that changes nothing, send it as a JPEG."


class PhotoNotReady(NoSuchPhoto):
    message = "Cette photo est encore en préparation. Réessayez dans un instant."
    english = "This photo is still being prepared. Try again in a moment."
    headers: Mapping[str, str] = {"Retry-After": "2"}


# --- the request and the service ---------------------------------------------------------------


class NoSuchJob(AppError):
    status_code = 404
    message = "Aucune tâche de ce type n'est dans cet état."
    english = "There is no such job in that state."


class InvalidRequest(AppError):
    status_code = 422
    message = "La requête n'a pas la forme attendue."
    english = "The request does not have the expected form."


class InvalidCursor(AppError):
    message = "Le curseur de pagination n'est pas valide."
    english = "The pagination cursor is not valid."


class CursorOfAnotherOrder(AppError):
    message = "Le curseur vient d'une liste dans un autre ordre. Reprenez-la depuis le début."
    english = "The cursor is of a list in another order. Begin again without it."


class ShiftTooLarge(AppError):
    message = "Le décalage d'un appareil ne peut pas dépasser 40 ans."
    english = "A camera's clock can be shifted by at most 40 years."


class TooManySections(AppError):
    message = "Un événement a au plus 40 moments."
    english = "An event has at most 40 sections."


class SectionTime(AppError):
    message = "Un moment commence entre 1990 et 2200."
    english = "A section begins between 1990 and 2200."


class SectionsAtOneTime(AppError):
    message = "Deux moments commencent à la même heure."
    english = "Two sections begin at the same moment."


class SectionsChanged(AppError):
    status_code = 409
    message = "Quelqu'un d'autre a changé les moments entre-temps. Relisez-les, puis recommencez."
    english = "Somebody else has changed the sections meanwhile. Read them again, then try again."


class InvalidPhotoIds(AppError):
    message = "Indiquez les identifiants des photos, séparés par des virgules."
    english = "Give the photos' ids, separated by commas."


class NotFound(AppError):
    status_code = 404
    message = "Adresse inconnue."
    english = "No such address."


class UnknownHost(AppError):
    status_code = 421
    message = "Ce service ne répond pas sous ce nom d'hôte."
    english = "This service does not answer under this host name."


class MethodNotAllowed(AppError):
    status_code = 405
    message = "Cette méthode n'est pas possible ici."
    english = "This method is not possible here."


class BodyTooLarge(AppError):
    status_code = 413
    message = "La requête est trop volumineuse."
    english = "The request is too large."


class RequestTimeout(AppError):
    status_code = 408
    message = "La requête arrive trop lentement. Réessayez avec une meilleure connexion."
    english = "The request comes in too slowly. Please try again with a better connection."


class AddressTooLong(AppError):
    status_code = 414
    message = "L'adresse de la requête est trop longue."
    english = "The address of the request is too long."


class UnsupportedBody(AppError):
    status_code = 415
    message = "Ce format n'est pas accepté ici : texte en UTF-8, non compressé, du type que cet appel attend."
    english = "This format is not accepted here: UTF-8 text, not compressed, of the type that this call expects."


class HeadersTooLarge(AppError):
    status_code = 431
    message = "Les en-têtes de la requête sont trop volumineux."
    english = "The headers of the request are too large."


class InvalidHttp(AppError):
    message = "Ceci n'est pas une requête HTTP valide."
    english = "This is not a valid HTTP request."


class TooBusy(AppError):
    status_code = 503
    message = "Le service est très sollicité. Réessayez dans quelques secondes."
    english = "The service is very busy. Please try again in a few seconds."
    headers: Mapping[str, str] = {"Retry-After": "2"}


class TooManyRequests(AppError):
    status_code = 429
    message = "Trop de tentatives. Réessayez dans 1 minute."
    english = "Too many attempts. Try again in 1 minute."
    # With the time in place of `{}`.
    french_of, english_of = "Trop de tentatives. Réessayez dans {}.", "Too many attempts. Try again in {}."

    def __init__(self, seconds: int = 60) -> None:
        """`seconds`: after how long the same call is accepted again."""
        super().__init__()
        self.seconds = max(1, seconds)
        self.headers = {"Retry-After": str(self.seconds)}

    def body(self, language: str) -> dict[str, Any]:
        """Return the JSON answer; the message says how long to wait."""
        sentence = self.english_of if language == "en" else self.french_of
        return {"detail": sentence.format(self.wait(language)), "error": type(self).__name__}

    def wait(self, language: str) -> str:
        """Return how long to wait in words: in seconds below two minutes, else in minutes, rounded up."""
        if self.seconds % 60 and self.seconds < 120:
            number, unit = self.seconds, "second" if language == "en" else "seconde"
        else:
            number, unit = -(-self.seconds // 60), "minute"
        return f"{number} {unit}{'s' if number > 1 else ''}"


class TooManyUploads(TooManyRequests):
    """Too many photos of one photographer are under way; those that stand still give way after `seconds`."""

    message = "Trop de photos sont en cours d'envoi. Terminez ces envois, ou réessayez dans 15 minutes."
    english = "Too many photos are being sent. Complete those uploads, or try again in 15 minutes."
    french_of = "Trop de photos sont en cours d'envoi. Terminez ces envois, ou réessayez dans {}."
    english_of = "Too many photos are being sent. Complete those uploads, or try again in {}."

    def __init__(self, seconds: int = 900) -> None:
        super().__init__(seconds)


class ServiceUnavailable(AppError):
    status_code = 503
    message = "Le service est momentanément indisponible. Réessayez dans quelques secondes."
    english = "The service is unavailable for a moment. Please try again in a few seconds."
    headers: Mapping[str, str] = {"Retry-After": "5"}


class StorageFull(AppError):
    status_code = 507
    message = "L'espace de stockage est plein. Rien n'a été enregistré."
    english = "The storage is full. Nothing was saved."


class ProcessingFailed(AppError):
    status_code = 500
    message = "Le traitement n'a pas abouti. Notre équipe peut le relancer."
    english = "The processing failed. The staff of the event can start it again."


class InternalError(AppError):
    status_code = 500
    message = "Une erreur est survenue de notre côté. Réessayez."
    english = "Something went wrong on our side. Please try again."


def catalogue() -> dict[str, type[AppError]]:
    """Return every error by the name of its class."""
    found: dict[str, type[AppError]] = {}
    pending = [AppError]
    while pending:
        kind = pending.pop()
        found[kind.__name__] = kind
        pending.extend(kind.__subclasses__())
    return found


def text_of(name: str | None, language: str) -> str | None:
    """Return the message of the error with that name in `language`.

    The text of any other failure may hold paths or statements: it is for the log, and the answer says only that the
    processing failed.
    """
    if name is None:
        return None
    kind = catalogue().get(name, ProcessingFailed)
    return kind.english if language == "en" else kind.message
