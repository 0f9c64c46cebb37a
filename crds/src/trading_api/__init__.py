"""The contract between operator and node: every schema of the project, and nothing that acts.

Pure data: pydantic models, names and numbers. Imported by both sides, imports neither.
"""
