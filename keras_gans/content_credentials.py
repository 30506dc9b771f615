"""Content Credentials (C2PA): a signed statement of origin, inside of the image file."""

import os
import pathlib
import tempfile

from keras_gans._version import __version__

_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")


def sign(path, certificates, key, algorithm="es256", details=None):
    """Sign an image file in place: it was created by a trained model, with this library.

    Nothing is asked of the network: there is no time stamp, so the signature is good as long as
    the certificate is. Needs c2pa-python: `pip install keras_gans[c2pa]`.

    Args:
        path: a PNG, or another format that C2PA knows.
        certificates: PEM file of the chain, the signer's certificate first, the root left out.
        key: PEM file of the signer's private key, PKCS #8, without a password.
        algorithm: one of `ALGORITHMS`, as the key is.
        details: dict of text, kept in the signed statement: seed, checkpoint.

    Raises:
        ImportError: if c2pa-python is not installed.
        FileNotFoundError: if one of the files is not there.
        ValueError: if the certificates or the key cannot sign; the image is left as it was.
    """
    try:
        import c2pa
    except ImportError as error:
        raise ImportError("signing needs c2pa-python: pip install keras_gans[c2pa]") from error
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, found {algorithm!r}")
    path = pathlib.Path(path)
    pems = []
    for name, file in (("certificates", certificates), ("key", key)):
        if not pathlib.Path(file).is_file():
            raise FileNotFoundError(f"{name}: {file} is no file")
        pems.append(pathlib.Path(file).read_bytes())
    software = {"name": "keras_gans", "version": __version__}
    action = {"action": "c2pa.created", "digitalSourceType": _AI, "softwareAgent": software}
    if details:
        action["parameters"] = {f"org.keras_gans.{name}": text for name, text in details.items()}
    manifest = {
        "claim_generator_info": [software],
        "title": path.name,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    with tempfile.TemporaryDirectory(prefix=".sign-", dir=path.parent) as temporary:
        signed = pathlib.Path(temporary, path.name)
        try:
            signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, *pems, None))
            with signer, c2pa.Builder.from_json(manifest) as builder:
                builder.sign_file(path, signed, signer)
        except c2pa.C2paError as error:
            raise ValueError(f"{path} cannot be signed with {certificates}: {error}") from error
        os.replace(signed, path)
