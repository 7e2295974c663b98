namespace Crosshead.Evaluation.Answers;

/// <summary>What a node of an answer's tree is; its arguments in brackets, its text after a colon.</summary>
internal enum MathHead
{
    /// <summary>A rational number.</summary>
    Number,

    /// <summary>A variable or a constant: its name.</summary>
    Symbol,

    /// <summary>Words: the words.</summary>
    Words,

    /// <summary>A sum [terms].</summary>
    Add,

    /// <summary>A product [factors].</summary>
    Multiply,

    /// <summary>A power [base, exponent].</summary>
    Power,

    /// <summary>A root [of what, degree].</summary>
    Root,

    /// <summary>A function of its arguments: its name.</summary>
    Function,

    /// <summary>Plus or minus [x].</summary>
    PlusMinus,

    /// <summary>Minus or plus [x], against every <see cref="PlusMinus"/>.</summary>
    MinusPlus,

    /// <summary>Hundredths [x].</summary>
    Percent,

    /// <summary>Degrees of an angle [x].</summary>
    Degree,

    /// <summary>A quantity [x] of a unit: the unit.</summary>
    Unit,

    /// <summary>Digits of a base [digits, base].</summary>
    Based,

    /// <summary>Items in order [items]: the brackets around them, as of a point or an interval.</summary>
    Tuple,

    /// <summary>Items in braces, in no order [items].</summary>
    Set,

    /// <summary>Items without brackets, in no order [items].</summary>
    List,

    /// <summary>A union or intersection of sets [sets]: the operator.</summary>
    Combination,

    /// <summary>Equations and inequalities [sides]: the relations between each two sides.</summary>
    Relation,

    /// <summary>A matrix [entries by rows]: the number of columns.</summary>
    Matrix,
}
