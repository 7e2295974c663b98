using Crosshead.Cli.LoadTesting.Prompts;

namespace Crosshead.Tests.Cli.LoadTesting;

public sealed class DatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Random_prompts_have_the_wanted_lengths_and_known_tokens()
    {
        var requests = Of("random", new WordTokens()).Draw(5, new Random(1));
        Assert.All(requests, r => Assert.Equal((1024, 1024, 128), (r.Ids!.Length, r.PromptTokens, r.OutputTokens)));
        Assert.All(requests.SelectMany(r => r.Ids!), id => Assert.InRange(id, 0, WordTokens.Size - 1));
        Assert.Equal(5, requests.Select(r => string.Join(' ', r.Ids!)).Distinct().Count());
    }

    [Fact]
    public void Random_lengths_vary_to_both_sides()
    {
        var options = new DatasetOptions { Name = "random", Input = 100, Output = 10, Range = 0.5 };
        var lengths = options.Create(new WordTokens(), false, null, 1).Draw(500, new Random(1))
            .Select(r => (int)r.PromptTokens!).ToArray();
        Assert.Equal((50, 150), (lengths.Min(), lengths.Max()));
        Assert.Equal(100, lengths.Average(), 5.0);
    }

    [Fact]
    public void Chats_get_text()
    {
        var request = new DatasetOptions { Name = "random", Input = 3 }.Create(new WordTokens(), asText: true, null, 1)
            .Draw(1, new Random(1))[0];
        Assert.Null(request.Ids);
        Assert.Equal((3, 3), (request.Text!.Split(' ').Length, request.PromptTokens));
    }

    [Fact]
    public void Without_tokens_lengths_are_words()
    {
        var request = Of("random", null).Draw(1, new Random(1))[0];
        Assert.Equal((1024, null, null), (request.Text!.Split(' ').Length, request.PromptTokens, request.Ids));
    }

    [Fact]
    public void Prompts_are_cut_from_a_text()
    {
        var text = _folder.Write("text.txt", "one two three");
        var options = new DatasetOptions { Name = "sharegpt-like", Text = text, Output = 5 };
        var prompt = options.Create(null, false, null, 1).Draw(1, new Random(2))[0].Text!;
        Assert.Contains("two three one two", prompt + " one two three one two"); // it begins again at its end
        Assert.Empty(prompt.Split(' ').Except(["one", "two", "three"]));
    }

    [Fact]
    public void Prefixes_are_shared()
    {
        var requests = Of("prefix", new WordTokens()).Draw(20, new Random(1));
        Assert.All(requests, r => Assert.Equal((512, 128), (r.PromptTokens, r.OutputTokens)));
        Assert.Equal(10, requests.Select(r => string.Join(' ', r.Ids![..256])).Distinct().Count());
        Assert.Equal(20, requests.Select(r => string.Join(' ', r.Ids![256..])).Distinct().Count());
    }

    [Fact]
    public void A_long_prompt_fits_into_the_context_and_comes_last()
    {
        var requests = new DatasetOptions { Name = "long-mix" }.Create(new WordTokens(), false, 4096, 1)
            .Draw(32, new Random(1));
        Assert.Equal((31, 4032), (requests.Count(r => !r.IsLong), requests[^1].PromptTokens));
        Assert.True(requests[^1].IsLong);
    }

    [Fact]
    public void Lengths_like_ShareGPT_s_have_the_mean_200()
    {
        var random = new Random(1);
        int[] lengths = [.. Enumerable.Range(0, 20_000).Select(_ => ShareGptLikeDataset.Length(random))];
        Assert.Equal(200, lengths.Average(), 6.0);
        Assert.Equal((4, 1024), (lengths.Min(), lengths.Max()));
    }

    [Fact]
    public void Of_ShareGPT_the_first_two_turns_are_kept_if_they_are_neither_short_nor_long()
    {
        static string Words(int count) => string.Join(' ', Enumerable.Repeat("word", count));
        var file = _folder.Write("sharegpt.json", $$"""
            [{"conversations":[{"from":"human","value":"one two three four"},{"value":"{{Words(7)}}"},{"value":"x"}]},
             {"conversations":[{"value":"too few words"},{"value":"{{Words(9)}}"}]},
             {"conversations":[{"value":"{{Words(1025)}}"},{"value":"{{Words(9)}}"}]},
             {"conversations":[{"value":"{{Words(1024)}}"},{"value":"{{Words(1025)}}"}]},
             {"conversations":[{"value":"{{Words(1024)}}"},{"value":"{{Words(1024)}}"}]},
             {"conversations":[{"value":"alone, without an answer"}]},
             {"conversations":[]}]
            """);
        var options = new DatasetOptions { Name = "sharegpt", File = file };
        var requests = options.Create(new WordTokens(), false, null, 1).Draw(2, new Random(1));
        Assert.Equal([(4, 7), (1024, 1024)],
            requests.Select(r => ((int)r.PromptTokens!, r.OutputTokens)).Order());
        Assert.All(requests, r => Assert.Null(r.Ids));
        Assert.Equal(5, options.Create(new WordTokens(), false, null, 1).Draw(5, new Random(1)).Count); // repeated
        Assert.Contains("--tokenizer",
            Assert.Throws<CrossheadException>(() => options.Create(null, false, null, 1)).Message);
    }

    [Theory]
    [InlineData("{}", "is no JSON list")]
    [InlineData("[", "is no JSON list")]
    [InlineData("[{\"conversations\":[]}]", "no conversation of two turns")]
    [InlineData("[{}]", "is no JSON list")]
    public void Other_files_are_refused(string json, string told) => Assert.Contains(told,
        Assert.Throws<CrossheadException>(() => ShareGptDataset.Read(_folder.Write("x.json", json))).Message);

    [Theory]
    [InlineData("random")]
    [InlineData("sharegpt-like")]
    [InlineData("prefix")]
    public void Equal_seeds_give_equal_requests(string name) => Assert.Equal(
        Of(name, null).Draw(3, new Random(5)), Of(name, null).Draw(3, new Random(5)));

    private static ILoadDataset Of(string name, IPromptTokens? tokens) =>
        new DatasetOptions { Name = name }.Create(tokens, asText: false, context: null, seed: 1);

    /// <summary>A token per word.</summary>
    private sealed class WordTokens : IPromptTokens
    {
        public const int Size = 50;

        public IReadOnlyList<int> Vocabulary => [.. Enumerable.Range(0, Size)];

        public int[] Encode(string text) => [.. text.Split(' ').Select(word => word.Length % Size)];

        public string Decode(int[] ids) => string.Join(' ', ids.Select(id => $"w{id}"));
    }
}
