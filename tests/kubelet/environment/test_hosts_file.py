"""The managed hosts file, letter by letter."""

from podwright.kubelet.environment.hostname import PodName
from podwright.kubelet.environment.hosts_file import host_network_hosts, pod_hosts

HEAD = (
    "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)
ALIASES = [{"ip": "1.2.3.4", "hostnames": ["foo", "bar"]}, {"ip": "1.2.3.5", "hostnames": ["baz"]}]


def test_a_pod_with_two_addresses() -> None:
    assert pod_hosts(["10.0.0.5", "fd00::5"], PodName("web"), ()) == HEAD + "10.0.0.5\tweb\nfd00::5\tweb\n"


def test_a_domain_comes_before_the_short_name() -> None:
    assert pod_hosts(["10.0.0.5"], PodName("web", "db.shop.svc.x"), ()) == HEAD + "10.0.0.5\tweb.db.shop.svc.x\tweb\n"


def test_aliases_come_last() -> None:
    expected = HEAD + "10.0.0.5\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n1.2.3.5\tbaz\n"
    assert pod_hosts(["10.0.0.5"], PodName("web"), ALIASES) == expected


def test_on_the_host_network_it_is_a_copy() -> None:
    expected = (
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n\n# Entries added by HostAliases.\n"
        "1.2.3.4\tfoo\tbar\n1.2.3.5\tbaz\n"
    )
    assert host_network_hosts("127.0.0.1 me\n", ALIASES) == expected
