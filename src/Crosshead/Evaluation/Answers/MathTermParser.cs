namespace Crosshead.Evaluation.Answers;

/// <summary>Reads arithmetic: sums, products, powers, functions and numbers.</summary>
/// <param name="tokens">The tokens, which both parsers read on.</param>
/// <param name="answers">Reads what stands in brackets.</param>
internal sealed class MathTermParser(MathTokens tokens, MathParser answers)
{
    private const int MaximumDepth = 60;

    private int _depth;
    private int _bars;

    /// <summary>A sum of terms with their signs; the sign of a term is that of all its factors.</summary>
    public MathNode Sum()
    {
        if (++_depth > MaximumDepth) throw new FormatException("nested too deeply");
        var terms = new List<MathNode>();
        while (true)
        {
            var sign = Sign();
            if (sign is null && terms.Count > 0) break;
            var term = Product();
            terms.Add(sign switch
            {
                "-" => MathNode.Negative(term),
                @"\pm" => MathNode.Of(MathHead.PlusMinus, term),
                @"\mp" => MathNode.Of(MathHead.MinusPlus, term),
                _ => term,
            });
        }
        _depth--;
        return terms.Count == 1 ? terms[0] : MathNode.Of(MathHead.Add, terms);
    }

    private string? Sign() => tokens.Next.Is("+") || tokens.Next.Is("-") || tokens.Next.Is(@"\pm")
        || tokens.Next.Is(@"\mp") ? tokens.Take().Text : null;

    // factor {["*" | "/"] factor}, from the left: a/bc is (a/b)c.
    private MathNode Product()
    {
        var factors = new List<MathNode> { SignedFactor() };
        while (true)
        {
            if (tokens.Accept("*")) factors.Add(SignedFactor());
            else if (tokens.Accept("/")) factors.Add(MathNode.Of(MathHead.Power, SignedFactor(), MathNode.Number(-1)));
            else if (StartsFactor()) factors.Add(Factor());
            else break;
        }
        return factors.Count == 1 ? factors[0] : MathNode.Of(MathHead.Multiply, factors);
    }

    private MathNode SignedFactor() => tokens.Accept("-") ? MathNode.Negative(Factor()) : Factor();

    // Two numbers side by side are no product.
    private bool StartsFactor() => tokens.Next.Kind switch
    {
        MathTokenKind.Letter => true,
        MathTokenKind.Number => tokens.Previous.Kind != MathTokenKind.Number,
        MathTokenKind.Symbol => tokens.Next.Text is "(" or "[" or "{" || (tokens.Next.Text == "|" && _bars == 0),
        MathTokenKind.Command => !tokens.AtCloser && tokens.Next.Text is not (
            @"\cup" or @"\cap" or @"\setminus" or @"\le" or @"\ge" or @"\ne" or @"\in" or @"\pm" or @"\mp"
            or @"\\" or @"\end" or @"\rfloor" or @"\rceil"),
        _ => false,
    };

    // atom {postfix} ["^" exponent]
    private MathNode Factor()
    {
        var node = Postfix(Atom());
        if (!tokens.Accept("^")) return node;
        return Postfix(MathNode.Of(MathHead.Power, node, Argument()));
    }

    private MathNode Postfix(MathNode node)
    {
        while (true)
        {
            if (tokens.Accept("!")) node = MathNode.Function("factorial", node);
            else if (tokens.Accept("%")) node = MathNode.Of(MathHead.Percent, node);
            else if (tokens.Accept("°")) node = MathNode.Of(MathHead.Degree, node);
            else return node;
        }
    }

    private MathNode Atom()
    {
        var token = tokens.Next;
        switch (token.Kind)
        {
            case MathTokenKind.Number: return Number();
            case MathTokenKind.Letter: tokens.Skip(); return Name(token.Text);
            case MathTokenKind.Text: tokens.Skip(); return new MathNode(MathHead.Words, token.Text, []);
            case MathTokenKind.Symbol when token.Text is "(" or "[": return answers.Bracket();
            case MathTokenKind.Symbol when token.Text == "{": return Group();
            case MathTokenKind.Symbol when token.Text == "|": return Absolute();
            case MathTokenKind.Command: return Command(token.Text);
            default: throw tokens.Unexpected();
        }
    }

    private MathNode Command(string name)
    {
        if (name == @"\{") return answers.Braces();
        if (name == @"\langle") return answers.Angle();
        if (name == @"\begin") return answers.Matrix();
        tokens.Skip();
        switch (name)
        {
            case @"\frac": return MathNode.Quotient(Argument(digit: true), Argument(digit: true));
            case @"\binom": return MathNode.Function("binomial", Argument(digit: true), Argument(digit: true));
            case @"\sqrt": return Root();
            case @"\lfloor": return Between("floor", @"\rfloor");
            case @"\lceil": return Between("ceiling", @"\rceil");
            case @"\overline":
                return Name(string.Concat(Argument().All().Select(
                    node => node.Text + (node.Head == MathHead.Number ? node.Value.Numerator.ToString() : ""))) + "‾");
            default:
                return MathNotation.Functions.Contains(name[1..]) ? Function(name[1..])
                    : char.IsAsciiLetter(name.ElementAtOrDefault(1)) ? Name(name) : throw tokens.Unexpected();
        }
    }

    // A variable's name with its primes and subscript.
    private MathNode Name(string name)
    {
        while (tokens.Accept("'")) name += "'";
        return MathNode.Symbol(tokens.Accept("_") ? name + "_" + Subscript() : name);
    }

    private string Subscript()
    {
        if (!tokens.Accept("{"))
            return tokens.Next.Kind == MathTokenKind.End ? throw tokens.Unexpected() : tokens.Take().Text;
        var text = "";
        for (var depth = 1; ;)
        {
            if (tokens.Next.Kind == MathTokenKind.End) throw tokens.Unexpected();
            var token = tokens.Take();
            depth += token.Is("{") ? 1 : token.Is("}") ? -1 : 0;
            if (depth == 0) return text;
            text += token.Text;
        }
    }

    // 12, 1.5, 0.\overline{3}, 204_5, and the mixed 1\frac{4}{5} and 137 1/2.
    private MathNode Number()
    {
        var digits = tokens.Take().Text;
        if (tokens.Accept("_"))
            return MathNode.Of(MathHead.Based, MathNode.Symbol(digits), MathNode.Symbol(Subscript()));
        if (Rational.Parse(digits) is not { } value) throw new FormatException("a number too large");
        if (!digits.Contains('.'))
            return MathNode.Number(MixedFraction() is { } part && Rational.Add(value, part) is { } mixed
                ? mixed : value);
        return Repeating(digits) is { } repeated && Rational.Add(value, repeated) is { } exact ? MathNode.Number(exact)
            : MathNode.Number(value, isDecimal: true);
    }

    // The proper fraction of two whole numbers that follows a whole number, if one does.
    private Rational? MixedFraction()
    {
        var start = tokens.Place;
        if (tokens.Accept(@"\frac") && Argument(digit: true) is { Head: MathHead.Number } top
            && Argument(digit: true) is { Head: MathHead.Number } bottom && IsProper(top.Value, bottom.Value))
            return Rational.Of(top.Value.Numerator, bottom.Value.Numerator);
        tokens.Place = start;
        if (tokens.Next.Kind == MathTokenKind.Number && tokens[1].Is("/") && tokens[2].Kind == MathTokenKind.Number
            && Rational.Parse(tokens.Next.Text) is { } over && Rational.Parse(tokens[2].Text) is { } under
            && IsProper(over, under))
        {
            tokens.Skip(3);
            return Rational.Of(over.Numerator, under.Numerator);
        }
        return null;
    }

    private static bool IsProper(Rational top, Rational bottom) =>
        top.IsInteger && bottom.IsInteger && top.Sign > 0 && top.Numerator < bottom.Numerator;

    // The repeating decimals that follow 0.1 in 0.1\overline{6}: 6/90.
    private Rational? Repeating(string digits)
    {
        if (!tokens.Next.Is(@"\overline") || !tokens[1].Is("{") || tokens[2].Kind != MathTokenKind.Number
            || !tokens[3].Is("}"))
            return null;
        var period = tokens[2].Text;
        if (period.Contains('.')) return null;
        tokens.Skip(4);
        var nines = System.Numerics.BigInteger.Pow(10, period.Length) - 1;
        return Rational.Of(System.Numerics.BigInteger.Parse(period),
            nines * System.Numerics.BigInteger.Pow(10, digits.Length - digits.IndexOf('.') - 1));
    }

    // \sqrt{x}, \sqrt[3]{x}, \sqrt2, \sqrt(2)
    private MathNode Root()
    {
        var degree = MathNode.Number(2);
        if (tokens.Accept("["))
        {
            degree = Sum();
            tokens.Expect("]");
        }
        return MathNode.Of(MathHead.Root, Argument(), degree);
    }

    // \sin x, \sin(x), \sin^2 x, \sin^{-1} x, \log_2 n. An argument without brackets is all that is multiplied without
    // a sign.
    private MathNode Function(string name)
    {
        var baseOf = tokens.Accept("_") ? Argument(digit: true) : null;
        var power = tokens.Accept("^") ? Argument() : null;
        if (power is
            {
                Head: MathHead.Multiply, Arguments: [{ Head: MathHead.Number },
                {
                    Head: MathHead.Number,
                    Value: { IsInteger: true, Numerator.IsOne: true }
                }]
            } && name is "sin" or "cos" or "tan")
            (name, power) = ("arc" + name, null);
        MathNode argument;
        if (tokens.Next.Is("(") || tokens.Next.Is("[") || tokens.Next.Is("{")) argument = Atom();
        else
        {
            var factors = new List<MathNode> { Factor() };
            while (StartsFactor() && !(tokens.Next.Kind == MathTokenKind.Command
                && MathNotation.Functions.Contains(tokens.Next.Text[1..])))
                factors.Add(Factor());
            argument = factors.Count == 1 ? factors[0] : MathNode.Of(MathHead.Multiply, factors);
        }
        var result = baseOf is null ? MathNode.Function(name, argument)
            : MathNode.Quotient(MathNode.Function("ln", argument), MathNode.Function("ln", baseOf));
        return power is null ? result : MathNode.Of(MathHead.Power, result, power);
    }

    /// <summary>
    /// What a command or "^" applies to: a group, or one token; of a number one digit for \frac12, all of it elsewhere.
    /// </summary>
    /// <param name="digit">Whether one digit of a number is enough.</param>
    public MathNode Argument(bool digit = false)
    {
        if (digit && tokens.Next is { Kind: MathTokenKind.Number, Text: [var first, _, ..] }
            && char.IsAsciiDigit(first))
        {
            tokens.TakeDigit();
            return MathNode.Number(first - '0');
        }
        if (tokens.Next.Kind == MathTokenKind.Number)
        {
            var digits = tokens.Take().Text;
            return MathNode.Number(Rational.Parse(digits) ?? throw tokens.Unexpected(), digits.Contains('.'));
        }
        if (!tokens.Next.Is("-") && !tokens.Next.Is("+")) return Atom();
        var negative = tokens.Take().Is("-");
        var node = Argument();
        return negative ? MathNode.Negative(node) : node;
    }

    private MathNode Group()
    {
        tokens.Skip();
        var items = answers.Items();
        tokens.Expect("}");
        return items.Count switch
        {
            0 => throw tokens.Unexpected(),
            1 => items[0],
            _ => MathNode.Of(MathHead.Set, items),
        };
    }

    private MathNode Between(string function, string close)
    {
        var node = Sum();
        tokens.Expect(close);
        return MathNode.Function(function, node);
    }

    private MathNode Absolute()
    {
        tokens.Skip();
        _bars++;
        var node = Sum();
        _bars--;
        tokens.Expect("|");
        return MathNode.Function("abs", node);
    }
}
