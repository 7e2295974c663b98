using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>Makes calls from requests; on the thread that submits them, because long prompts take time.</summary>
internal sealed class CallFactory
{
    private readonly EngineOptions _options;
    private readonly ITextCodec _codec;
    private readonly DrawableTokens _known;
    private readonly int[] _unknown;
    private readonly int _vocabulary, _context, _pageTokens;
    private readonly int? _shortContext;
    private long _calls;

    /// <summary>Prepares for the requests of one engine.</summary>
    /// <param name="vocabulary">Number of logits.</param>
    /// <param name="codec">The tokenizer.</param>
    /// <param name="context">Most tokens of a sequence.</param>
    /// <param name="pageTokens">Tokens per page.</param>
    /// <param name="options">The engine's limits.</param>
    /// <param name="shortContext">The context within which longer prompts have other angles; null for none.</param>
    public CallFactory(int vocabulary, ITextCodec codec, int context, int pageTokens, EngineOptions options,
        int? shortContext = null)
    {
        _shortContext = shortContext;
        (_vocabulary, _codec, _context, _pageTokens, _options) = (vocabulary, codec, context, pageTokens, options);
        _unknown = [.. Enumerable.Range(0, vocabulary).Where(id => !codec.IsToken(id))];
        _known = new DrawableTokens(vocabulary, _unknown);
    }

    /// <summary>Checks a request without doing anything for it.</summary>
    /// <exception cref="CrossheadException">A value is out of range, or the request can never fit.</exception>
    public void Require(EngineRequest request) => RequestChecks.Require(request, _vocabulary, _context);

    /// <summary>Makes the calls of requests that have been checked.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="arrived">The time.</param>
    /// <param name="cancel">Tells the engine that somebody wants a call to end.</param>
    /// <exception cref="CrossheadException">A bias names a token that the model does not have.</exception>
    public ServedCall[] Create(IReadOnlyList<EngineRequest> requests, long arrived, Action<ServedCall> cancel)
    {
        var (submission, seed) = (new Submission(requests.Count), Random.Shared.NextInt64());
        return [.. requests.Select(request => Create(request, submission, seed, arrived, cancel))];
    }

    private ServedCall Create(EngineRequest request, Submission submission, long seed, long arrived,
        Action<ServedCall> cancel)
    {
        var sampling = request.Sampling with { Seed = request.Sampling.Seed ?? seed };
        var call = new ServedCall(request with { Sampling = sampling, Prompt = [.. request.Prompt] }, submission,
            _options, arrived, cancel);
        var options = new GenerationOptions
        {
            MaxTokens = request.MaxTokens,
            MinTokens = request.MinTokens,
            StopStrings = [.. request.StopStrings],
            IncludesStopString = request.IncludesStopString,
            EndTokens = [.. request.EndTokens],
            Sampling = sampling,
        };
        // Rows of the table without a token have no text, and no training reaches them, but some end an answer.
        var drawable = _unknown.Intersect(request.EndTokens).Any()
            ? new DrawableTokens(_vocabulary, [.. _unknown.Except(request.EndTokens)]) : _known;
        // Without a common cache the choices of one call share their prompt all the same.
        var salt = _options.PrefixCache ? request.CacheSalt : $"call {Interlocked.Increment(ref _calls)}";
        // The angles of a longer prompt differ from the first token on, and so do its pages.
        if (request.Prompt.Count > _shortContext) salt = $"long {salt}";
        var most = request.Prompt.Count + request.MaxTokens;
        for (var index = 0; index < request.Choices; index++)
        {
            var stream = Request.Begin(_codec.CreateStream(request.SkipsSpecialTokens), _codec, request.Prompt);
            var answer = new Request(request.Prompt, request.Stream + index, _context, options, drawable,
                stream);
            call.Open.Add(new Choice(call, index, answer, most, _pageTokens, salt)
            {
                Priority = _options.Priorities ? request.Priority : 0,
            });
        }
        call.Forks.AddRange(call.Open.Skip(1));
        return call;
    }
}
