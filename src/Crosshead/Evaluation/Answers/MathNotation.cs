using System.Collections.Frozen;

namespace Crosshead.Evaluation.Answers;

/// <summary>The many spellings of the notation of answers, each with its one normal form.</summary>
internal static class MathNotation
{
    /// <summary>Functions of one argument, as <c>\sin</c> or plainly <c>sin</c>.</summary>
    public static readonly FrozenSet<string> Functions = FrozenSet.Create(
        "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln",
        "log", "lg", "exp");

    /// <summary>Commands with the normal form of each.</summary>
    public static readonly FrozenDictionary<string, string> Synonyms = new Dictionary<string, string>
    {
        ["dfrac"] = @"\frac",
        ["tfrac"] = @"\frac",
        ["cfrac"] = @"\frac",
        ["dbinom"] = @"\binom",
        ["tbinom"] = @"\binom",
        ["leq"] = @"\le",
        ["leqslant"] = @"\le",
        ["geq"] = @"\ge",
        ["geqslant"] = @"\ge",
        ["neq"] = @"\ne",
        ["lt"] = "<",
        ["gt"] = ">",
        ["approx"] = "=",
        ["times"] = "*",
        ["cdot"] = "*",
        ["ast"] = "*",
        ["div"] = "/",
        ["%"] = "%",
        ["circ"] = "°",
        ["degree"] = "°",
        ["lbrace"] = @"\{",
        ["rbrace"] = @"\}",
        ["lbrack"] = "[",
        ["rbrack"] = "]",
        ["lparen"] = "(",
        ["rparen"] = ")",
        ["vert"] = "|",
        ["lvert"] = "|",
        ["rvert"] = "|",
        ["mid"] = "|",
        ["emptyset"] = @"\varnothing",
        ["infin"] = @"\infty",
        ["lor"] = ",",
        ["vee"] = ",",
        ["tg"] = @"\tan",
        ["arctg"] = @"\arctan",
    }.ToFrozenDictionary();

    /// <summary>Commands that change only how an answer looks.</summary>
    public static readonly FrozenSet<string> Silent = FrozenSet.Create(
        "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "quad", "qquad", "displaystyle",
        "textstyle", "limits", "nolimits",
        "!", ",", ";", ":", " ", "$", "(", ")", "[", "]", "\n");

    /// <summary>Commands whose argument is words.</summary>
    public static readonly FrozenSet<string> Words = FrozenSet.Create("text", "textbf", "textit", "textrm",
        "textnormal", "texttt", "mbox", "hbox");

    /// <summary>Commands whose argument is mathematics in another type face, or a name.</summary>
    public static readonly FrozenSet<string> Styles = FrozenSet.Create(
        "mathrm", "mathbf", "mathit", "mathsf", "mathcal", "mathbb", "operatorname", "boldsymbol", "bm", "rm",
        "boxed", "fbox");

    /// <summary>Words that are mathematics when they stand alone.</summary>
    public static readonly FrozenDictionary<string, string> PlainNames = new Dictionary<string, string>
    {
        ["pi"] = @"\pi",
        ["sqrt"] = @"\sqrt",
        ["infinity"] = @"\infty",
        ["inf"] = @"\infty",
        ["oo"] = @"\infty",
    }.ToFrozenDictionary();

    /// <summary>Characters that LaTeX writes as commands.</summary>
    public static readonly FrozenDictionary<char, string> Characters = new Dictionary<char, string>
    {
        ['−'] = "-",
        ['–'] = "-",
        ['×'] = "*",
        ['·'] = "*",
        ['⋅'] = "*",
        ['∗'] = "*",
        ['÷'] = "/",
        ['∕'] = "/",
        ['π'] = @"\pi ",
        ['∞'] = @"\infty ",
        ['√'] = @"\sqrt ",
        ['°'] = @"\circ ",
        ['º'] = @"\circ ",
        ['∪'] = @"\cup ",
        ['∩'] = @"\cap ",
        ['≤'] = @"\le ",
        ['≥'] = @"\ge ",
        ['≠'] = @"\ne ",
        ['∈'] = @"\in ",
        ['±'] = @"\pm ",
        ['∓'] = @"\mp ",
        ['²'] = "^{2}",
        ['³'] = "^{3}",
        ['¹'] = "^{1}",
        ['½'] = @"\frac{1}{2}",
        ['¼'] = @"\frac{1}{4}",
        ['¾'] = @"\frac{3}{4}",
        ['∅'] = @"\varnothing ",
        ['θ'] = @"\theta ",
        ['≈'] = "=",
        ['\u00a0'] = " ",
        ['\u2009'] = " ",
        ['\u202f'] = " ",
        ['$'] = " ",
        ['~'] = " ",
        ['（'] = "(",
        ['）'] = ")",
        ['，'] = ",",
        ['ℝ'] = @"\mathbb{R}",
    }.ToFrozenDictionary();
}
