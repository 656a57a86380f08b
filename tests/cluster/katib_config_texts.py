"""Texts of ``katib-config.yaml``, shaped as Katib ships it and as users have changed it."""

SHIPPED = """---
apiVersion: config.kubeflow.org/v1beta1
kind: KatibConfig
init:
  certGenerator:
    enable: true
  controller:
    webhookPort: 8443
    trialResources:
      - Job.v1.batch
      - TFJob.v1.kubeflow.org
      - PyTorchJob.v1.kubeflow.org
runtime:
  metricsCollectors:
    - kind: StdOut
      image: kubeflowkatib/file-metrics-collector:latest
  suggestions:
    - algorithmName: random
      image: kubeflowkatib/suggestion-hyperopt:latest
    - algorithmName: bayesianoptimization
      image: kubeflowkatib/suggestion-skopt:latest
    - algorithmName: pbt
      image: kubeflowkatib/suggestion-pbt:latest
      persistentVolumeClaimSpec:
        accessModes:
          - ReadWriteMany
        resources:
          requests:
            storage: 5Gi
  earlyStoppings:
    - algorithmName: medianstop
      image: kubeflowkatib/earlystopping-medianstop:latest
"""
# Lists at the indent of their keys, quotes, comments in odd places, no newline at the end.
EDITED = """# ours since May
apiVersion: config.kubeflow.org/v1beta1
kind: KatibConfig
init:
  controller:
    trialResources:
    - "Job.v1.batch"   # the only one
    # nothing else
runtime:
  suggestions:
  - algorithmName: 'random'
    image: "mirror/random:1"

  # skopt is pinned, see the wiki
  - image: mirror/skopt:0.17   # image first
    algorithmName: bayesianoptimization
    resources: {limits: {memory: 1Gi}}
    command: ["python3",
      "main.py"]
  # end of the algorithms
  metricsCollectors:
  - kind: StdOut
    image: mirror/file:1"""
# Without any list of trial resources, the algorithms last.
SPARSE = """apiVersion: config.kubeflow.org/v1beta1
kind: KatibConfig
init:
  controller:
    webhookPort: 8443
runtime:
  suggestions:
    - algorithmName: random
      image: random:1
"""
ALL = {"shipped": SHIPPED, "edited": EDITED, "sparse": SPARSE}
