"""The addresses of Services, made to work on this node.

`rules` decides (Services and EndpointSlices in, the text of one nftables ruleset out), `nftables` carries it out,
`proxy` follows the API and keeps the two in step. Nothing else on the node knows about ClusterIPs.
Source: https://kubernetes.io/docs/reference/networking/virtual-ips/
"""
