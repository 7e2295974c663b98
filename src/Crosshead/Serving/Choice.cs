using Crosshead.Decoding;
using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>One answer of a call: a sequence, and the way of its tokens into events.</summary>
internal sealed class Choice : Sequence
{
    private static readonly ulong[] s_nothing = [0];
    private readonly Request _request;
    private readonly ITokenConstraint? _constraint;

    /// <summary>An answer of which nothing is computed.</summary>
    /// <param name="call">Its call.</param>
    /// <param name="index">Its number in the call.</param>
    /// <param name="request">Its tokens and their text.</param>
    /// <param name="mostTokens">Most tokens it can have.</param>
    /// <param name="pageTokens">Tokens per page.</param>
    /// <param name="salt">The name space of its prefixes.</param>
    public Choice(ServedCall call, int index, Request request, int mostTokens, int pageTokens, string? salt)
        : base(request.Known, mostTokens, pageTokens, salt) =>
        (Call, Index, _request, _constraint) = (call, index, request, call.Request.Constraint?.Invoke());

    /// <summary>Its call.</summary>
    public ServedCall Call { get; }

    /// <summary>Its number in the call.</summary>
    public int Index { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _request.Stop is not null;

    /// <summary>Whether it draws tokens, and was not asked for the prompt alone.</summary>
    public bool Draws => Call.Request.MaxTokens > 0;

    /// <summary>Whether the logits of many tokens decide what it draws, or are reported.</summary>
    public bool NeedsLogits => Draws
        && (!_request.TakesLikeliest || _constraint is not null || Call.Request.Logprobs is not null);

    /// <summary>Whether the largest logits may decide what it draws.</summary>
    public bool MayTakeLargest => _constraint is null && _request.MayTakeLargest;

    /// <summary>Number of its prompt's log-probabilities that are known.</summary>
    public int PromptRows { get; private set; }

    /// <inheritdoc/>
    public override bool WantsPromptRows =>
        Index == 0 && Call.Request.PromptLogprobs is not null && PromptRows < Call.PromptTokens - 1;

    /// <inheritdoc/>
    public override bool ReadsPrefixes => !WantsPromptRows;

    /// <inheritdoc/>
    public override bool IsBehind => Call.Submission.Full > 0;

    /// <summary>Adds its next tokens to a pass.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="count">How many.</param>
    public void AddTo(DecodePass pass, int count)
    {
        var rows = WantsPromptRows;
        for (var at = Computed; at < Computed + count; at++)
            pass.Add(Slot, at, Tokens[at], wanted: (Draws && at == Tokens.Count - 1)
                || (rows && at >= PromptRows && at < Call.PromptTokens - 1),
                at < Call.PromptTokens ? Call.PromptTokens : 0);
    }

    /// <summary>Takes the log-probabilities of prompt tokens from a pass.</summary>
    /// <param name="decoder">What computed it.</param>
    /// <param name="row">The row of the first of its tokens.</param>
    /// <param name="count">Number of its tokens.</param>
    public void TakePromptRows(IDecoder decoder, int row, int count)
    {
        if (!WantsPromptRows) return;
        for (var at = Computed; at < Computed + count && at < Call.PromptTokens - 1; at++, row++)
        {
            if (at < PromptRows) continue;
            Call.AddPromptLogprob(LogprobRow.Of(decoder, row, Tokens[at + 1], Call.Request.PromptLogprobs!.Value));
            PromptRows++;
        }
    }

    /// <summary>Draws the next token, or ends if none was asked for.</summary>
    /// <param name="decoder">What computed its logits.</param>
    /// <param name="row">Their row in the last pass.</param>
    /// <param name="scratch">Working memory, which nobody else uses meanwhile.</param>
    /// <exception cref="CrossheadException">The logits are no finite numbers.</exception>
    public EngineEvent Advance(IDecoder decoder, int row, SamplerScratch scratch)
    {
        if (!Draws) return EndEmpty();
        GeneratedToken token;
        if (_constraint is null)
        {
            token = _request.Advance(decoder, row, scratch);
        }
        else
        {
            var allowed = _constraint.Allowed;
            token = _request.Advance(decoder, row, scratch, allowed.IsEmpty ? s_nothing : allowed,
                _constraint.MayEnd);
            if (token is { Id: >= 0, Stop: not StopReason.EndToken }) _constraint.Accept(token.Id);
        }
        return EventOf(token, token.Id >= 0 && Call.Request.Logprobs is { } top
            ? LogprobRow.Of(decoder, row, token.Id, top) : null);
    }

    /// <summary>Ends without a token, because none was asked for.</summary>
    public EngineEvent EndEmpty() => EventOf(_request.EndEmpty(), null);

    /// <summary>Ends where it is.</summary>
    public EngineEvent Cancel() => EventOf(_request.Cancel(), null);

    private EngineEvent EventOf(GeneratedToken token, TokenLogprob? logprob) =>
        new(Index, token.Id, token.Text, logprob, token.Stop, token.Stop is null ? null : _request.StopString);
}
