"""The cluster's DNS: names of Services and Pods, everything else forwarded.

`records` decides what a name means, `server` speaks the protocol to Pods, `upstream` asks the machine's own
name servers. Turned off, it leaves the address and the port to a DNS add-on of the user's.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""
