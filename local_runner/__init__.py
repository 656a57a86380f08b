"""Local runner: plays Katib's and the kubelet's part for one Experiment on one machine."""
