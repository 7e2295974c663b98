using System.Runtime.CompilerServices;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Generation;
using Crosshead.Text.Chat;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Tests.TextModels;

public sealed class TextModelTests : IDisposable
{
    private static readonly GenerationOptions s_greedy = new() { MaxTokens = 12, Sampling = SamplingOptions.Greedy };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_prompt_is_continued_as_by_a_generator()
    {
        SmallTextModel.Save(_folder.Path);
        using var model = TextModel.Load(_folder.Path);
        var written = model.Generate("word1 and", s_greedy);
        using var expected = new Crosshead.TextModels.Generator(model.Model)
            .Start([SmallTextModel.Tokenizer.Encode("word1 and")], s_greedy);
        foreach (var _ in expected.Tokens()) { }
        Assert.Equal(expected.Sequences[0].Ids.Take(written.Ids.Count), written.Ids);
        Assert.Equal(SmallTextModel.Tokenizer.Decode([.. written.Ids], skipSpecialTokens: true), written.Text);
    }

    [Fact]
    public void Texts_end_at_the_model_s_own_tokens_unless_others_are_named()
    {
        SmallTextModel.Save(_folder.Path);
        int[] ids;
        using (var model = TextModel.Load(_folder.Path))
            ids = [.. model.Generate("word1 and", s_greedy with { EndTokens = [279] }).Ids];
        var (third, first) = (ids[2], Array.IndexOf(ids, ids[2]));

        // The same weights, of which config.json now says that texts end at the third token.
        SmallTextModel.Save(_folder.Path, new TextTokens(null, [third]));
        using var ending = TextModel.Load(_folder.Path);
        Assert.Equal([third], ending.EndTokens);
        var ended = ending.Generate("word1 and", s_greedy);
        Assert.Equal((StopReason.EndToken, first + 1), (ended.Stop, ended.Ids.Count));
        Assert.Equal(ids, ending.Generate("word1 and", s_greedy with { EndTokens = [279] }).Ids);
    }

    [Fact]
    public void Weights_that_nobody_loads_are_let_go_with_their_source()
    {
        SmallTextModel.Save(_folder.Path);
        Open(_folder.Path);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.DoesNotContain(_folder.Path, File.ReadAllText("/proc/self/maps"));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Open(string path)
        {
            var source = ModelSource.Open(path, forTensors: false);
            Assert.Contains(path, File.ReadAllText("/proc/self/maps"));
            GC.KeepAlive(source);
        }
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_refused_before_the_first_token()
    {
        SmallTextModel.Save(_folder.Path);
        var file = Path.Combine(_folder.Path, "model.safetensors");
        var bytes = File.ReadAllBytes(file);
        bytes.AsSpan(^4).Fill(0xFF);
        File.WriteAllBytes(file, bytes);
        Refused(() => TextModel.Load(_folder.Path).Dispose());
        using var begun = TextModel.Begin(ModelSource.Open(_folder.Path, forTensors: false), 1, ScalarType.Float32,
            CPU);
        for (var i = 0; i < 2; i++) Refused(() => begun.Start(["word1 and"]).Dispose());
        Refused(() => _ = begun.Model);

        static void Refused(Action load) => Assert.Contains("holds weights that are NaN or infinite",
            Assert.Throws<CrossheadException>(load).Message);
    }

    [Fact]
    public void Special_tokens_are_left_in_the_text_on_request()
    {
        SmallTextModel.Save(_folder.Path);
        using var model = TextModel.Load(_folder.Path);
        var special = SmallTextModel.Tokenizer.AddedTokens.First(token => token.Special);
        var options = s_greedy with
        {
            MaxTokens = 2,
            EndTokens = [279],
            Sampling = s_greedy.Sampling with { LogitBias = new Dictionary<int, float> { [special.Id] = 100 } },
        };
        Assert.Equal("", model.Generate("word1 and", options).Text);
        Assert.Equal(special.Content + special.Content,
            model.Generate("word1 and", options with { SkipsSpecialTokens = false }).Text);
    }

    [Fact]
    public void A_conversation_is_written_by_the_template_and_gets_no_second_begin_token()
    {
        SmallTextModel.Save(_folder.Path);
        using var plain = TextModel.Load(_folder.Path);
        Assert.Contains("has no chat template",
            Assert.Throws<CrossheadException>(() => plain.Reply([new("user", "word3")])).Message);

        File.WriteAllText(_folder.File("chat_template.jinja"), "{% for m in messages %}{{ m.role }}: {{ m.content }}\n"
            + "{% endfor %}{% if add_generation_prompt %}word1{% endif %}");
        using var model = TextModel.Load(_folder.Path);
        using var expected = new Crosshead.TextModels.Generator(model.Model, new TokenizerCodec(model.Tokenizer)).Start(
            [SmallTextModel.Tokenizer.Encode("user: word3\nword1", addSpecialTokens: false)],
            s_greedy with { EndTokens = model.EndTokens });
        foreach (var _ in expected.Tokens()) { }
        Assert.Equal(expected.Sequences[0].Ids, model.Reply([new ChatMessage("user", "word3")], s_greedy).Ids);
    }

    [Fact]
    public void Parts_that_do_not_fit_are_refused_before_weights_are_read()
    {
        SmallTextModel.Save(_folder.Path, vocabulary: 270);
        var message = Assert.Throws<CrossheadException>(() => ModelSource.Open(_folder.Path)).Message;
        Assert.Contains("has 280 tokens, the model 270; put the tokenizer there", message);

        SmallTextModel.Save(_folder.Path);
        var source = ModelSource.Open(_folder.Path);
        TextModel.Require(source, ["word1"]);
        var tooLong = string.Concat(Enumerable.Repeat("word1 and ", 40));
        Assert.Contains("leaves no room in the model's context of 48",
            Assert.Throws<CrossheadException>(() => TextModel.Require(source, [tooLong])).Message);
    }

    [Fact]
    public void Hashes_name_what_the_files_hold_wherever_they_lie()
    {
        SmallTextModel.Save(_folder.File("a"));
        SmallTextModel.Save(_folder.File("b"));
        SmallTextModel.Save(_folder.File("c"), new TextTokens(null, [5]));
        ModelSource Open(string name) => ModelSource.Open(_folder.File(name));
        Assert.Equal(Open("a").WeightsHash, Open("b").WeightsHash);
        Assert.Equal(Open("a").ConfigurationHash, Open("b").ConfigurationHash);
        Assert.Equal(Open("a").WeightsHash, Open("c").WeightsHash);
        Assert.NotEqual(Open("a").ConfigurationHash, Open("c").ConfigurationHash);
    }

    [Fact]
    public void Config_json_is_read_once()
    {
        SmallTextModel.Save(_folder.Path, new TextTokens(null, [7]));
        var source = ModelSource.Open(_folder.Path);
        File.Delete(_folder.File("config.json"));
        using var model = TextModel.Load(source, ScalarType.BFloat16);
        Assert.Equal([7], model.EndTokens);
        using var trained = source.Load();
        Assert.Equal(source.Options, trained.Options);
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        SmallTextModel.Save(_folder.Path);
        TensorLeaks.None(() =>
        {
            using var model = TextModel.Load(_folder.Path);
            model.Generate("word1", s_greedy);
        });
    }
}
