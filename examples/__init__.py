"""Two services that talk to each other, and a program that shows them doing it. README.md says what each file shows."""
