"""The kubelet's HTTPS server: logs, exec, attach, port-forward, pods, stats, metrics, health.

    server         routes and lifetime        access        who may ask
    containers     which container is meant   errors        refusals with their HTTP status
    log_options, log_reader, log_stream, log_rotation       container logs
    streams, splice                                         upgraded connections to the runtime
    stats, metrics                                          what is used

Page: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
"""
