"""What differs between two documents: each difference with its rule, and what each side says there.

    walk      two schemas side by side: differences, with their places
    place     where something is: in the document, and in a payload
    wording   rules as sentences
    attribute which of the differences a payload can be found for

A difference alone breaks nothing; `attribute` looks for a payload that one side writes and the other rejects there.
"""
