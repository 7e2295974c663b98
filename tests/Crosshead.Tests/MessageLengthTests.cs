using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Data.Shards;
using Crosshead.Evaluation.Tasks;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers.Formats;
using Crosshead.Training.Recipes;

namespace Crosshead.Tests;

/// <summary>What a file says may be long and of many lines; what a message says of it is neither.</summary>
public sealed class MessageLengthTests
{
    private static readonly string s_long = new('x', 100_000);

    public static TheoryData<string, string> Documents
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var reader in (string[])["recipe", "task", "config", "tokens", "tokenizer_config",
                "template", "manifest"])
                foreach (var document in (string[])[$"{{\"{s_long}\": 1}}", $"{{\"a\\n{s_long}\": 1}}",
                    $"{{\"a\": {s_long}", s_long, $"{{\"{s_long}\\ud800\": 1}}", "{", ""])
                    data.Add(reader, document);
            foreach (var (reader, document) in ((string, string)[])[
                ("config", """{"model_type": "LONG"}"""),
                ("config", """{"model_type": "llama", "hidden_act": "LONG"}"""),
                ("tokens", """{"bos_token_id": "LONG"}"""),
                ("task", """{"kind": "LONG"}"""),
                ("recipe", """{"training": {"device": "LONG"}}"""),
                ("recipe", """{"training": {"LONG": 1}}"""),
                ("template", """{"chat_template": "{{ LONG.x }}"}"""),
                ("template", """{"chat_template": "{{ x|LONG }}"}"""),
                ("template", """{"chat_template": "{{ raise_exception('LONG') }}"}"""),
                ("template", """{"chat_template": [{"name": "LONG", "template": ""}]}"""),
            ])
                data.Add(reader, document.Replace("LONG", s_long, StringComparison.Ordinal));
            return data;
        }
    }

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Documents))]
    public void A_message_is_one_line_and_not_endless(string reader, string document)
    {
        using var folder = new TemporaryFolder();
        string File(string name)
        {
            System.IO.File.WriteAllText(folder.File(name), document);
            return folder.Path;
        }
        Action read = reader switch
        {
            "recipe" => () => Recipe.Parse(document),
            "task" => () => TaskFile.Parse(document, "the task"),
            "config" => () => ModelConfig.Parse("config.json", document),
            "tokens" => () => TextTokens.Of(File("config.json")),
            "tokenizer_config" =>
                () => TokenizerConfig.Read(Path.Combine(File("tokenizer_config.json"), "tokenizer_config.json")),
            "template" => () => ChatTemplate.Load(File("tokenizer_config.json")).Render([], false),
            _ => () => DatasetManifest.Load(File("manifest.json")),
        };
        // Some readers take documents with keys that they do not know.
        if (Record.Exception(read) is not { } error) return;
        Assert.IsType<CrossheadException>(error);
        Assert.DoesNotContain('\n', error.Message);
        Assert.InRange(error.Message.Length, 20, 1_200);
    }
}
