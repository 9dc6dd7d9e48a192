"""Does every value of one schema fit another? Yes with a proof, no with a witness, or not known.

    regex · pattern      sets of texts
    draft · node         schemas of every draft, read one way
    formula · reading    what a schema says of the values of one type, with "not" pushed down to single facts
    numbers · strings · arrays · objects     a value for which a list of facts holds, or that there is none
    search               puts these together: a value that fits some schemas and does not fit others
    opinion              the second opinion, and validators that look at each witness again

"A is within B" is the same as "nothing fits A and not B". So there is one search, for a value; what it finds is the
witness, and that it finds nothing is the proof.
"""
