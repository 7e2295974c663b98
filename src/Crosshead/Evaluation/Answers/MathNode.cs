namespace Crosshead.Evaluation.Answers;

/// <summary>An answer as a tree.</summary>
/// <param name="Head">What it is.</param>
/// <param name="Text">The text that belongs to the head, such as a symbol's name.</param>
/// <param name="Arguments">The nodes below.</param>
internal sealed record MathNode(MathHead Head, string Text, IReadOnlyList<MathNode> Arguments)
{
    /// <summary>A number's value.</summary>
    public Rational Value { get; private init; } = 0;

    /// <summary>Whether a number was written with a decimal point, and may therefore be rounded.</summary>
    public bool IsDecimal { get; private init; }

    public static MathNode Number(Rational value, bool isDecimal = false) =>
        new(MathHead.Number, "", []) { Value = value, IsDecimal = isDecimal };

    public static MathNode Symbol(string name) => new(MathHead.Symbol, name, []);

    public static MathNode Of(MathHead head, params IReadOnlyList<MathNode> arguments) => new(head, "", arguments);

    public static MathNode Function(string name, params IReadOnlyList<MathNode> arguments) =>
        new(MathHead.Function, name, arguments);

    public static MathNode Negative(MathNode node) => Of(MathHead.Multiply, Number(-1), node);

    public static MathNode Quotient(MathNode top, MathNode bottom) =>
        Of(MathHead.Multiply, top, Of(MathHead.Power, bottom, Number(-1)));

    /// <summary>This node and all below.</summary>
    public IEnumerable<MathNode> All()
    {
        var pending = new Stack<MathNode>([this]);
        while (pending.TryPop(out var node))
        {
            yield return node;
            foreach (var argument in node.Arguments) pending.Push(argument);
        }
    }

    /// <summary>The same tree with each node replaced for which <paramref name="replace"/> returns a node.</summary>
    public MathNode Replace(Func<MathNode, MathNode?> replace) =>
        replace(this) ?? (Arguments.Count == 0 ? this
            : this with { Arguments = [.. Arguments.Select(argument => argument.Replace(replace))] });
}
