using Crosshead.Evaluation.Scoring;

namespace Crosshead.Tests.Evaluation.Scoring;

public sealed class ResponseCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crosshead-cache").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FilePath => Path.Combine(_folder, "in", "responses.jsonl");

    private static readonly UInt128 A = ResponseCache.KeyOf(ScoringRequest.Create([1, 2], [3], 10)),
        B = ResponseCache.KeyOf(ScoringRequest.Create([1], [2, 3], 10)),
        C = ResponseCache.KeyOf([1, 2, 3], "64 tokens");

    [Fact]
    public void What_was_answered_is_there_again()
    {
        using (var cache = new ResponseCache(FilePath))
        {
            cache.Add(A, new RequestScore(-1.0 / 3, true));
            cache.Add(B, new RequestScore(double.NegativeInfinity, false));
            cache.Add(C, new WrittenAnswer("so \"it\"\n goes", Cut: true));
            cache.Flush();
        }
        using var again = new ResponseCache(FilePath);
        Assert.Equal(3, again.Count);
        Assert.True(again.TryGetScore(A, out var a) && again.TryGetScore(B, out var b)
            && a == new RequestScore(-1.0 / 3, true) && b == new RequestScore(double.NegativeInfinity, false));
        Assert.True(again.TryGetAnswer(C, out var answer));
        Assert.Equal(new WrittenAnswer("so \"it\"\n goes", Cut: true), answer);
        Assert.False(again.TryGetScore(C, out _) || again.TryGetAnswer(A, out _));
    }

    [Fact]
    public void The_same_tokens_split_or_continued_otherwise_are_other_requests() =>
        Assert.Equal(3, new HashSet<UInt128> { A, B, C }.Count);

    [Fact]
    public void A_torn_line_is_cut_and_written_over()
    {
        using (var cache = new ResponseCache(FilePath)) cache.Add(A, new RequestScore(-1, true));
        File.AppendAllText(FilePath, "{\"key\":\"00ab");
        using (var cache = new ResponseCache(FilePath))
        {
            Assert.Equal(1, cache.Count);
            cache.Add(B, new RequestScore(-2, false));
        }
        using var again = new ResponseCache(FilePath);
        Assert.Equal(2, again.Count);
    }

    [Fact]
    public void Other_files_and_caches_in_use_are_refused()
    {
        var other = Path.Combine(_folder, "other");
        File.WriteAllText(other, "hello\n");
        Assert.Contains("line 1, is not a response",
            Assert.Throws<CrossheadException>(() => new ResponseCache(other)).Message);
        Assert.Equal("hello\n", File.ReadAllText(other));
        using var cache = new ResponseCache(FilePath);
        Assert.Contains(MessageTerm.NoResponseCache,
            Assert.Throws<CrossheadException>(() => new ResponseCache(FilePath)).Message);
    }
}
