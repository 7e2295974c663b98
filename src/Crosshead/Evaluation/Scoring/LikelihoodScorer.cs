using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// Log-likelihoods of many requests. A beginning that requests share (a question before its choices, examples before
/// questions) is computed once. Trees of similar size go through the model together. The score of a request does not
/// depend on the other requests, except for rounding.
/// </summary>
/// <param name="model">A model; must outlive the scorer.</param>
public sealed class LikelihoodScorer(LanguageModel model)
{
    private const int TokensPerBatchOnCpu = 4096, TokensPerBatchOnDevice = 32768; // padding included
    private const long LogitsAtOnce = 1 << 25;
    // packed together: enough to find what begins alike, soon enough to be scored and kept
    private const int RequestsPerTurn = 16384;

    /// <summary>Whether requests share their beginnings. False computes each request alone, for comparison.</summary>
    public bool SharePrefixes { get; init; } = true;

    /// <summary>The ranks that share the work. All must score the same requests, and all get the same scores.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>Scores requests.</summary>
    /// <param name="requests">Requests, each within the model's context.</param>
    /// <param name="scored">Called with the index and the score of each request when it is known, in no particular
    /// order.</param>
    /// <param name="known">
    /// Whether a request's score is already known; null if none is. A batch of only known requests is skipped. Every
    /// other batch is computed as if none were known, so a continued run ends with the same bits as a run without
    /// interruption.
    /// </param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">A token is not in the model's vocabulary, or a request predicts
    /// none.</exception>
    public void Score(IReadOnlyList<ScoringRequest> requests, Action<int, RequestScore> scored,
        Func<int, bool>? known = null, CancellationToken cancellation = default)
    {
        RequireUsable(requests, model);
        using var grad = no_grad();
        // Requests stay near their neighbours in the task, so that progress is spread evenly over it.
        for (var start = 0; start < requests.Count; start += RequestsPerTurn)
        {
            var turn = Enumerable.Range(start, Math.Min(RequestsPerTurn, requests.Count - start));
            var unknown = Batches(Trees(requests, turn)).Where(batch => known is null
                || !batch.All(tree => tree.Predictions.All(p => known(p.Request))));
            // A batch is computed by one rank, as a rank alone computes it: so the bits do not depend on their number.
            foreach (var round in unknown.Chunk(Communicator.Ranks))
            {
                Communicator.ThrowIfCancelled(cancellation);
                var own = Communicator.Rank < round.Length ? Score(round[Communicator.Rank]) : [];
                foreach (var (request, score) in Communicator.AllGather<(int, RequestScore)>(own))
                    scored(request, score);
            }
        }
    }

    /// <summary>Scores requests and returns the scores in their order.</summary>
    /// <exception cref="CrossheadException">A token is not in the model's vocabulary.</exception>
    public RequestScore[] Score(IReadOnlyList<ScoringRequest> requests, CancellationToken cancellation = default)
    {
        var scores = new RequestScore[requests.Count];
        Score(requests, (index, score) => scores[index] = score, cancellation: cancellation);
        return scores;
    }

    private List<TokenTree> Trees(IReadOnlyList<ScoringRequest> requests, IEnumerable<int> indices)
    {
        var trees = new List<TokenTree>();
        TokenTree? tree = null;
        foreach (var index in indices.Order(
            Comparer<int>.Create((a, b) => requests[a].Input.SequenceCompareTo(requests[b].Input))))
        {
            if (SharePrefixes && tree is not null && tree.TryAdd(index, requests[index])) continue;
            trees.Add(tree = new TokenTree());
            tree.TryAdd(index, requests[index]);
        }
        return trees;
    }

    // Of similar size, largest first, so that a lack of memory shows at once. Chains need no mask.
    private IEnumerable<IReadOnlyList<TokenTree>> Batches(List<TokenTree> trees)
    {
        var most = model.Device.type == DeviceType.CPU ? TokensPerBatchOnCpu : TokensPerBatchOnDevice;
        foreach (var kind in trees.GroupBy(t => t.IsChain))
        {
            var ordered = kind.OrderByDescending(t => t.Count).ToList();
            for (var start = 0; start < ordered.Count;)
            {
                var rows = Math.Clamp(most / ordered[start].Count, 1, ordered.Count - start);
                yield return ordered.GetRange(start, rows);
                start += rows;
            }
        }
    }

    private (int Request, RequestScore Score)[] Score(IReadOnlyList<TokenTree> batch)
    {
        using var scope = NewDisposeScope();
        var nodes = batch[0].Count;
        // Padding stands after a tree's nodes. It sees only itself, and no node sees it.
        Tensor Rows(Func<TokenTree, IReadOnlyList<int>> of, Func<int, long> padding)
        {
            var rows = new long[batch.Count * nodes];
            for (var b = 0; b < batch.Count; b++)
                for (var n = 0; n < nodes; n++)
                    rows[(b * nodes) + n] = n < batch[b].Count ? of(batch[b])[n] : padding(n);
            return tensor(rows, [batch.Count, nodes], ScalarType.Int64, model.Device);
        }
        var view = batch[0].IsChain
            ? model.Views.Of(nodes)
            : model.Views.OfTrees(Rows(t => t.Depths, _ => 0), Rows(t => t.Ends, n => n + 1).to(ScalarType.Int32),
                batch.Max(t => t.Depths.Max()) + 1);
        var hidden = model.Hidden(Rows(t => t.Tokens, _ => 0), view).reshape(-1, model.Options.HiddenSize);  // [B·N,D]

        var asked = batch.SelectMany((tree, b) => tree.Predictions.Select(p => (Row: b * nodes, Prediction: p)))
            .ToList();
        var (likelihoods, firsts) = Predict(hidden,
            [.. asked.SelectMany(a => a.Prediction.Nodes.Select(n => (long)a.Row + n))],
            [.. asked.SelectMany(a => a.Prediction.Targets.Select(t => (long)t))]);
        var at = 0;
        return [.. asked.Select(a => Sum(a.Prediction))];

        (int, RequestScore) Sum(TreePrediction prediction)
        {
            var (sum, greedy) = (0.0, true);
            foreach (var target in prediction.Targets)
            {
                sum += likelihoods[at];
                greedy &= firsts[at++] == target;
            }
            return (prediction.Request, new RequestScore(sum, greedy));
        }
    }

    // log p of a target after each position, and the most likely token there; logits of so many positions at a time as
    // fit.
    private (double[] LogLikelihoods, long[] Firsts) Predict(Tensor hidden, long[] positions, long[] targets)
    {
        var (likelihoods, firsts) = (new double[positions.Length], new long[positions.Length]);
        var chunk = (int)Math.Max(1, LogitsAtOnce / model.Options.VocabularySize);
        for (var start = 0; start < positions.Length; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, positions.Length - start);
            Tensor Chunk(long[] of) => tensor(of.AsSpan(start, count).ToArray(), ScalarType.Int64, model.Device);
            // [P,V]
            var logits = model.Head(hidden.index_select(0, Chunk(positions))).to(Precision.MasterOf(model.ComputeType));
            var target = logits.gather(1, Chunk(targets).unsqueeze(1)).squeeze(1);                                // [P]
            (target - logits.logsumexp(1)).to(ScalarType.Float64).cpu().data<double>().CopyTo(likelihoods, start);
            logits.argmax(1).cpu().data<long>().CopyTo(firsts, start);
        }
        return (likelihoods, firsts);
    }

    /// <summary>Refuses requests that a model cannot score.</summary>
    /// <exception cref="CrossheadException">A token is not in the model's vocabulary, or a request predicts
    /// none.</exception>
    internal static void RequireUsable(IReadOnlyList<ScoringRequest> requests, LanguageModel model)
    {
        foreach (var request in requests)
        {
            if (request.Predicted < 1 || request.Predicted >= request.Tokens.Length)
                throw new CrossheadException($"a request of {request.Tokens.Length} tokens predicts "
                    + $"{request.Predicted} of them; it must predict at least one, after at least one of context.");
            foreach (var id in request.Tokens)
                if (id < 0 || id >= model.Options.VocabularySize)
                    throw new CrossheadException($"the tokenizer gave the id {id}, the model knows ids below "
                        + $"{model.Options.VocabularySize}; use the tokenizer the model was trained with.");
        }
    }
}
