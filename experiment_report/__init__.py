"""Report of a finished or running Experiment: one self-contained page and a table of trials."""

from experiment_report.number import readable
from experiment_report.page import write_report
from experiment_report.values import ExperimentRecord, ParameterInfo, TrialRecord

__all__ = ["ExperimentRecord", "ParameterInfo", "TrialRecord", "readable", "write_report"]
