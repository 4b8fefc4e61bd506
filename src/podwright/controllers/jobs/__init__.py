"""Jobs and CronJobs: what is to be done for one now (pure modules), and the controllers that do it.

    indexes, finished_pods, failure_policy, success_policy, retry, state -> decision     one look at a Job
    schedule -> cron_decision                                                            one look at a CronJob
    controller, cron_controller, ttl                                                     the shells

Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""
