using System.Text;
using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>One answer to a prompt, as far as it was made.</summary>
/// <param name="index">Its number within the whole answer.</param>
internal sealed class Choice(int index)
{
    private int _last = -1;

    /// <summary>Its number within the whole answer.</summary>
    public int Index => index;

    /// <summary>Its text.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>The drawn tokens.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>Their log-probabilities, if they were asked for.</summary>
    public List<TokenLogprob> Logprobs { get; } = [];

    /// <summary>Why it ended; null while it continues.</summary>
    public StopReason? Stop { get; private set; }

    /// <summary>The stop string that ended it, if one did.</summary>
    public string? StopString { get; private set; }

    /// <summary>Takes the next step.</summary>
    public void Take(in EngineEvent step)
    {
        if (step.Id >= 0) Ids.Add(_last = step.Id);
        if (step.Logprob is { } logprob) Logprobs.Add(logprob);
        Text.Append(step.Text);
        (Stop, StopString) = (step.Stop, step.StopString);
    }

    /// <summary>Why it ended, in the words of OpenAI's interface.</summary>
    public string FinishReason => Stop is StopReason.Length or StopReason.Context ? "length" : "stop";

    /// <summary>The token that ended it, if the request named that token.</summary>
    public int? StopId(IReadOnlyList<int> named) =>
        Stop == StopReason.EndToken && named.Contains(_last) ? _last : null;
}
