"""Shim for tools that still look for setup.py; setup.cfg holds everything."""

from setuptools import setup

setup()
