using Crosshead.Attention;
using Crosshead.Evaluation.Scoring;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Evaluation.Scoring;

public sealed class LikelihoodScorerTests
{
    private const int Vocabulary = 24, Context = 40;

    private static LanguageModel Create(AttentionVariant variant = AttentionVariant.Gqa, int? window = null,
        ScalarType type = ScalarType.Float64)
    {
        var model = new LanguageModel(new()
        {
            VocabularySize = Vocabulary,
            HiddenSize = 32,
            Layers = 2,
            Context = Context,
            Attention = new() { Variant = variant, Heads = 4, KeyValueHeads = 2, SlidingWindow = window },
        }, type);
        model.Initialize(5);
        return model;
    }

    // Questions of a common beginning, each with choices of several lengths; some choices begin alike, one is there
    // twice.
    private static List<ScoringRequest> Requests(int questions, int seed = 3)
    {
        var random = new Random(seed);
        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(Vocabulary))];
        var examples = Draw(6);
        var requests = new List<ScoringRequest>();
        for (var q = 0; q < questions; q++)
        {
            int[] question = [.. q % 3 == 0 ? Draw(2) : examples, .. Draw(random.Next(1, 12))];
            var common = Draw(2);
            foreach (var length in new[] { 1, 4, 7 })
                requests.Add(ScoringRequest.Create(question, [.. common, .. Draw(length)], Context));
            requests.Add(requests[^1]);
            requests.Add(ScoringRequest.Create(question, common.AsSpan(0, 1), Context));
        }
        requests.Add(ScoringRequest.Create(Draw(60), Draw(5), Context));
        requests.Add(ScoringRequest.Create(Draw(1), Draw(1), Context));
        requests.Add(ScoringRequest.Create(Draw(3), Draw(70), Context));
        return requests;
    }

    // Plain: every token of the continuation from a forward pass over all tokens before it.
    private static RequestScore Reference(LanguageModel model, ScoringRequest request)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var (sum, greedy) = (0.0, true);
        for (var at = request.Tokens.Length - request.Predicted; at < request.Tokens.Length; at++)
        {
            var context = request.Tokens[..at].Select(t => (long)t).ToArray();
            var logs = model.LastLogits(tensor(context).unsqueeze(0)).log_softmax(-1).reshape(-1);
            sum += logs[request.Tokens[at]].item<double>();
            greedy &= logs.argmax().item<long>() == request.Tokens[at];
        }
        return new RequestScore(sum, greedy);
    }

    [Theory]
    [InlineData(AttentionVariant.Gqa, null)]
    [InlineData(AttentionVariant.Gqa, 3)]
    [InlineData(AttentionVariant.Mea, null)]
    [InlineData(AttentionVariant.Mea, 5)]
    [InlineData(AttentionVariant.Differential, null)]
    [InlineData(AttentionVariant.TalkingHeads, null)]
    public void Equals_each_continuation_predicted_token_by_token(AttentionVariant variant, int? window)
    {
        using var model = Create(variant, window);
        var requests = Requests(9);
        var scores = new LikelihoodScorer(model).Score(requests, TestContext.Current.CancellationToken);
        for (var i = 0; i < requests.Count; i++)
        {
            var expected = Reference(model, requests[i]);
            Assert.Equal(expected.LogLikelihood, scores[i].LogLikelihood, 1e-9);
            Assert.Equal(expected.Greedy, scores[i].Greedy);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void A_score_does_not_depend_on_its_batch(ScalarType type, double tolerance)
    {
        using var model = Create(AttentionVariant.Mea, type: type);
        var requests = Requests(40);
        var together = new LikelihoodScorer(model).Score(requests, TestContext.Current.CancellationToken);
        var reversed = new LikelihoodScorer(model)
            .Score([.. requests.AsEnumerable().Reverse()], TestContext.Current.CancellationToken);
        var scorer = new LikelihoodScorer(model) { SharePrefixes = false };
        for (var i = 0; i < requests.Count; i++)
        {
            var alone = scorer.Score([requests[i]], TestContext.Current.CancellationToken)[0];
            Assert.Equal(alone.LogLikelihood, together[i].LogLikelihood,
                tolerance * Math.Max(1, Math.Abs(alone.LogLikelihood)));
            Assert.Equal(together[i].LogLikelihood, reversed[^(i + 1)].LogLikelihood,
                tolerance * Math.Max(1, Math.Abs(alone.LogLikelihood)));
        }
    }

    [Fact]
    public void What_goes_on_where_it_was_ends_with_the_same_bits()
    {
        using var model = Create(AttentionVariant.Mea, type: ScalarType.Float32);
        var requests = Requests(60);
        var scorer = new LikelihoodScorer(model);
        var whole = scorer.Score(requests, TestContext.Current.CancellationToken);
        var random = new Random(1);
        foreach (var share in new[] { 0.1, 0.5, 0.95, 1 })
        {
            bool[] known = [.. requests.Select(_ => random.NextDouble() < share)];
            var scores = new RequestScore?[requests.Count];
            scorer.Score(requests, (index, score) => scores[index] = score, index => known[index],
                TestContext.Current.CancellationToken);
            for (var i = 0; i < requests.Count; i++)
                Assert.True(known[i] ? scores[i] is null || scores[i] == whole[i] : scores[i] == whole[i]);
        }
    }

    [Fact]
    public void A_request_that_predicts_nothing_is_refused()
    {
        using var model = Create();
        Assert.Throws<ArgumentException>(() => ScoringRequest.Create([1], [], Context));
        foreach (var request in new[] { new ScoringRequest([1, 2], 0), new ScoringRequest([1, 2], 2) })
            Assert.Contains("it must predict at least one", Assert.Throws<CrossheadException>(
                () => new LikelihoodScorer(model).Score([request], TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void What_requests_begin_with_is_in_the_tree_once()
    {
        var tree = new TokenTree();
        Assert.True(tree.TryAdd(0, ScoringRequest.Create([1, 2, 3, 4], [5, 6], 100)));
        Assert.True(tree.IsChain);
        Assert.True(tree.TryAdd(1, ScoringRequest.Create([1, 2, 3, 4], [7, 8, 9], 100)));
        Assert.True(tree.TryAdd(2, ScoringRequest.Create([1, 2, 3], [8, 8], 100)));
        Assert.False(tree.IsChain);
        Assert.False(tree.TryAdd(3, ScoringRequest.Create([1, 9, 9], [8, 8], 100))); // too little in common
        Assert.Equal([1, 2, 3, 4, 5, 7, 8, 8], tree.Tokens);
        Assert.Equal([0, 1, 2, 3, 4, 4, 5, 3], tree.Depths);
        Assert.Equal([8, 8, 8, 7, 5, 7, 7, 8], tree.Ends);
        Assert.Equal([[3, 4], [3, 5, 6], [2, 7]], tree.Predictions.Select(p => p.Nodes));
        Assert.Equal([[5, 6], [7, 8, 9], [8, 8]], tree.Predictions.Select(p => p.Targets));
    }

    [Theory]
    [InlineData(3, 2, 10, 5, 2, false)]
    [InlineData(9, 2, 10, 11, 2, false)]
    [InlineData(10, 2, 10, 11, 2, true)]
    [InlineData(3, 10, 10, 11, 10, true)]
    [InlineData(3, 25, 10, 11, 10, true)]
    public void Long_requests_lose_their_beginning(int context, int continuation, int most, int kept,
        int predicted, bool truncated)
    {
        int[] before = [.. Enumerable.Range(0, context)], after = [.. Enumerable.Range(100, continuation)];
        var request = ScoringRequest.Create(before, after, most);
        Assert.Equal((kept, predicted, truncated), (request.Tokens.Length, request.Predicted, request.Truncated));
        // The continuation's end, and of the context the tokens next to it.
        Assert.Equal(after[^predicted..], request.Tokens[^predicted..]);
        Assert.Equal(before[^(kept - predicted)..], request.Tokens[..^predicted]);
    }

    [Fact]
    public void Foreign_tokens_are_refused()
    {
        using var model = Create();
        var scorer = new LikelihoodScorer(model);
        Assert.Contains($"gave the id {Vocabulary}", Assert.Throws<CrossheadException>(() =>
            scorer.Score([ScoringRequest.Create([1], [Vocabulary], Context)],
                TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void Leaves_no_tensors_behind()
    {
        using var model = Create(AttentionVariant.Mea);
        TensorLeaks.None(() => new LikelihoodScorer(model).Score(Requests(5)));
    }
}
