"""Certificates: accepted by a strict verifier, and with everything that one looks for."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store

from tests.cluster.pki import Authority, Pair, new_key_pem


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("test")


def load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_the_authority_may_sign_certificates_and_nothing_below_it_may(authority: Authority) -> None:
    ca, leaf = load(authority.pem), load(authority.client("somebody").certificate)
    assert ca.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_key_identifiers_link_a_certificate_to_its_authority(authority: Authority) -> None:
    ca, leaf = load(authority.pem), load(authority.client("somebody").certificate)
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    named = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert named.key_identifier == own.digest
    assert leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest != own.digest


def test_a_client_certificate_names_user_and_group(authority: Authority) -> None:
    subject = load(authority.client("system:node:node-1", "system:nodes").certificate).subject
    assert subject.rfc4514_string() == "CN=system:node:node-1,O=system:nodes"


def test_a_strict_verifier_accepts_addresses_and_names_of_a_server(authority: Authority) -> None:
    pair = authority.server("kube-apiserver", ["10.0.0.1", "kubernetes.default"])
    policy = ExtensionPolicy.webpki_defaults_ee()
    for name in (x509.DNSName("kubernetes.default"), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))):
        verifier = (
            PolicyBuilder()
            .store(Store([load(authority.pem)]))
            .time(dt.datetime.now(dt.UTC))
            .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=policy)
            .build_server_verifier(name)
        )
        assert verifier.verify(load(pair.certificate), [])


def test_a_client_and_a_server_of_one_authority_shake_hands(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    server = context(ssl.PROTOCOL_TLS_SERVER, tmp_path, authority.server("server", ["127.0.0.1"]), "server")
    client = context(ssl.PROTOCOL_TLS_CLIENT, tmp_path, authority.client("somebody"), "client")
    server.verify_mode = ssl.CERT_REQUIRED
    # What Python 3.13 has as its default, also where an older one runs the test.
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()
    with left, right:
        answers: list[bytes] = []

        def serve() -> None:
            with server.wrap_socket(left, server_side=True) as secure:
                answers.append(secure.recv(2))

        thread = threading.Thread(target=serve)
        thread.start()
        with client.wrap_socket(right, server_hostname="127.0.0.1") as secure:
            secure.sendall(b"ok")
        thread.join(timeout=5)
    assert answers == [b"ok"]


def context(protocol: int, folder: Path, pair: Pair, name: str) -> ssl.SSLContext:
    certificate, key = pair.write(folder, name)
    made = ssl.SSLContext(protocol)
    made.load_verify_locations(folder / "ca.crt")
    made.load_cert_chain(certificate, key)
    return made


def test_keys_are_readable_by_the_owner_alone(authority: Authority, tmp_path: Path) -> None:
    _, key = authority.client("somebody").write(tmp_path, "client")
    assert key.stat().st_mode & 0o077 == 0


def test_the_token_key_is_in_the_encoding_that_a_public_key_can_be_read_from() -> None:
    pem = new_key_pem()
    assert pem.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    load_pem_private_key(pem, None)
