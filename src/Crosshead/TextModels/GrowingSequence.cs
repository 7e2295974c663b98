using System.Text;
using Crosshead.Generation;

namespace Crosshead.TextModels;

/// <summary>The continuation of a prompt, token by token.</summary>
internal sealed class GrowingSequence
{
    private readonly List<int> _ids = [];
    private readonly StringBuilder _text = new();
    private StopReason? _stop;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _stop is not null;

    /// <summary>Adds its next token.</summary>
    public void Add(GeneratedToken token)
    {
        if (token.Id >= 0) _ids.Add(token.Id);
        _text.Append(token.Text);
        _stop = token.Stop;
    }

    /// <summary>What there is of it; cancelled if it has not ended.</summary>
    public GeneratedSequence ToSequence() => new([.. _ids], _text.ToString(), _stop ?? StopReason.Cancelled);
}
