using System.Runtime.InteropServices;
using Crosshead.Decoding;
using Crosshead.Runtime;

namespace Crosshead.Generation;

/// <summary>
/// Draws tokens of one sequence from logits. It remembers the tokens that have occurred, for the penalties. Drawing
/// allocates nothing once its memory has grown. Not for use by several threads at once.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly DrawableTokens _drawable;
    private SamplerScratch? _own;
    private readonly KeyValuePair<int, float>[] _bias;
    private readonly Dictionary<int, int> _seen = []; // how often each token was drawn; 0 for one of the prompt only
    private RandomStream _random;

    /// <summary>Prepares to draw.</summary>
    /// <param name="options">How tokens are drawn; validated here.</param>
    /// <param name="vocabularySize">Number of logits.</param>
    /// <param name="stream">Stream of random numbers of the seed; each sequence of a batch uses its own stream.</param>
    /// <param name="suppressed">Tokens that are never drawn, in ascending order; null for none.</param>
    /// <exception cref="CrossheadException">An option is out of range, or all tokens are suppressed.</exception>
    public Sampler(SamplingOptions options, int vocabularySize, int stream = 0, IReadOnlyList<int>? suppressed = null)
        : this(options, new DrawableTokens(vocabularySize, suppressed), stream)
    {
    }

    /// <summary>Prepares to draw.</summary>
    /// <param name="options">How; validated here.</param>
    /// <param name="drawable">Which tokens may be drawn.</param>
    /// <param name="stream">Index of the seed's stream of random numbers.</param>
    /// <exception cref="CrossheadException">An option is out of range.</exception>
    internal Sampler(SamplingOptions options, DrawableTokens drawable, int stream)
    {
        options.Validate();
        (_options, _drawable) = (options, drawable);
        _bias = [.. options.LogitBias ?? new Dictionary<int, float>()];
        foreach (var (id, _) in _bias)
            if (id >= drawable.Logits)
                throw new CrossheadException($"logitBias names token {id}; the model knows tokens 0 to "
                    + $"{drawable.Logits - 1}.");
        _random = new RandomStream(options.Seed ?? Random.Shared.NextInt64(), stream);
    }

    /// <summary>Counts tokens of a prompt as having occurred, for the repetition penalty.</summary>
    public void Observe(ReadOnlySpan<int> ids)
    {
        if (_options.RepetitionPenalty == 1) return; // no other option looks at them
        foreach (var id in ids) _seen.TryAdd(id, 0);
    }

    /// <summary>Draws the next token and counts it as having occurred.</summary>
    /// <param name="logits">One logit per token of the vocabulary; not changed.</param>
    /// <exception cref="CrossheadException">The most likely token's logit is not a finite number.</exception>
    public int Next(ReadOnlySpan<float> logits) =>
        Next(logits, default, _own ??= new SamplerScratch(_drawable.Logits));

    /// <summary>Draws the next token among those that some limits leave.</summary>
    /// <param name="logits">One logit per token of the vocabulary; not changed.</param>
    /// <param name="limits">Which tokens this draw may take.</param>
    /// <param name="scratch">Working memory, which nobody else uses meanwhile.</param>
    /// <returns>The token; −1 if the limits leave none.</returns>
    /// <exception cref="CrossheadException">The most likely token's logit is not a finite number.</exception>
    internal int Next(ReadOnlySpan<float> logits, DrawLimits limits, SamplerScratch scratch)
    {
        if (logits.Length != _drawable.Logits)
            throw new ArgumentException($"{logits.Length} logits were given for a vocabulary of {_drawable.Logits}.",
                nameof(logits));
        var id = Draw(logits, limits, scratch);
        if (id >= 0 && HasPenalties) CollectionsMarshal.GetValueRefOrAddDefault(_seen, id, out _)++;
        return id;
    }

    /// <summary>Draws the next token from the largest logits alone, if they decide.</summary>
    /// <param name="largest">The largest logits.</param>
    /// <param name="scratch">Working memory, which nobody else uses meanwhile.</param>
    /// <returns>The token that <see cref="Next(ReadOnlySpan{float})"/> would draw; −1 if smaller logits
    /// matter.</returns>
    /// <exception cref="CrossheadException">The most likely token's logit is not a finite number.</exception>
    internal int TryNext(LargestLogits largest, SamplerScratch scratch)
    {
        var ids = largest.Ids.Span;
        var logits = largest.Logits.Span;
        Take((ids[0], logits[0]));
        if (!MayTakeLargest) return -1;
        var tokens = scratch.Candidates;
        var wanted = _options.Temperature == 0 ? 1 : _options.TopK;
        if (wanted == 0)
        {
            var random = _random;
            var id = PartialDraw.TryTake(largest, _drawable, _options, tokens, random.NextDouble());
            if (id >= 0) _random = random;
            return id;
        }
        tokens.Clear();
        var (threshold, best) = (float.NaN, float.NaN);
        for (var i = 0; i < ids.Length; i++)
        {
            // Tokens as likely as the last one of top-k stay in the draw.
            if (tokens.Count >= wanted && logits[i] < threshold)
            {
                if (_options.Temperature == 0) return tokens.LowestOfLikeliest();
                tokens.SortById();
                return Filter(tokens);
            }
            if (!_drawable.Contains(ids[i])) continue;
            if (tokens.Count == 0) best = logits[i];
            if (tokens.Count < wanted) threshold = logits[i];
            tokens.Add(ids[i], logits[i] - best);
        }
        return -1; // further tokens may be as likely
    }

    /// <summary>
    /// Whether only the likeliest token is needed. Then <see cref="Take"/> can replace a draw.
    /// </summary>
    public bool IsGreedy => _options.Temperature == 0 && !HasPenalties && _bias.Length == 0;

    /// <summary>Whether the largest logits may decide alone, so that <see cref="TryNext"/> is worth a try.</summary>
    internal bool MayTakeLargest => !HasPenalties && _bias.Length == 0
        && (_options.Temperature == 0 || _options is not { TopK: 0, TopP: 1, MinP: 0 });

    /// <summary>Whether a token may be drawn.</summary>
    public bool MayDraw(int id) => _drawable.Contains(id);

    /// <summary>Checks the likeliest token, which the caller has found, and returns its id.</summary>
    /// <param name="likeliest">The token and its logit.</param>
    /// <exception cref="CrossheadException">The logit is not a finite number.</exception>
    public static int Take((int Id, float Logit) likeliest) => float.IsFinite(likeliest.Logit)
        ? likeliest.Id
        : throw new CrossheadException($"the logit of token {likeliest.Id} is {likeliest.Logit}, not a finite number; "
            + $"the weights have diverged or overflow this precision, try {MessageTerm.Dtype} float32.");

    private bool HasPenalties =>
        _options is not { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 };

    private int Draw(ReadOnlySpan<float> logits, DrawLimits limits, SamplerScratch scratch)
    {
        var scores = logits[.._drawable.Count];
        if (HasPenalties || _bias.Length > 0 || _drawable.Suppressed.Length > 0 || !limits.IsNone)
            scores = Adjusted(scores, limits, scratch.Scores.AsSpan(0, scores.Length));
        var likeliest = LogitRow.MostLikely(scores);
        if (!limits.IsNone && float.IsNegativeInfinity(likeliest.Logit)) return -1;
        var best = Take(likeliest);
        if (_options.Temperature == 0) return best;

        var tokens = scratch.Candidates;
        tokens.Take(scores, scores[best], _options.TopK is > 0 and var k && k < scores.Length
            ? KthLargest(scores, tokens.Scratch[..k]) : float.NegativeInfinity);
        return Filter(tokens);
    }

    // Draws one of the tokens that top-p and min-p keep.
    private int Filter(Candidates tokens)
    {
        tokens.Weigh(_options.Temperature);
        if (_options.TopP < 1) tokens.KeepMass(_options.TopP);
        if (_options.MinP > 0) tokens.KeepAtLeast((float)_options.MinP); // the most likely token's weight is 1
        return tokens.Pick(_random.NextDouble());
    }

    private Span<float> Adjusted(ReadOnlySpan<float> logits, DrawLimits limits, Span<float> scores)
    {
        logits.CopyTo(scores);
        limits.Apply(logits, scores);
        foreach (var (id, bias) in _bias)
            if (id < scores.Length) scores[id] += bias;
        if (HasPenalties)
        {
            var (penalty, presence, frequency) = ((float)_options.RepetitionPenalty, _options.PresencePenalty,
                _options.FrequencyPenalty);
            foreach (var (id, drawn) in _seen)
            {
                if (id >= scores.Length) continue;
                ref var score = ref scores[id];
                score = score < 0 ? score * penalty : score / penalty;
                if (drawn > 0) score -= (float)((frequency * drawn) + presence);
            }
        }
        foreach (var id in _drawable.Suppressed) scores[id] = float.NegativeInfinity;
        return scores;
    }

    // The k-th largest score. A heap holds the k largest scores, and its root is the smallest of them.
    private static float KthLargest(ReadOnlySpan<float> scores, Span<float> heap)
    {
        var k = heap.Length;
        heap.Fill(float.NegativeInfinity);
        foreach (var score in scores)
        {
            if (!(score > heap[0])) continue;
            var at = 0;
            for (int child; (child = (2 * at) + 1) < k; at = child)
            {
                if (child + 1 < k && heap[child + 1] < heap[child]) child++;
                if (heap[child] >= score) break;
                heap[at] = heap[child];
            }
            heap[at] = score;
        }
        return heap[0];
    }
}
