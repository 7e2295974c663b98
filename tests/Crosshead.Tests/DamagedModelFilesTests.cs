using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Data.Shards;
using Crosshead.Tests.Data.Shards;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using Crosshead.Training.Studies;

namespace Crosshead.Tests;

/// <summary>Damage to the files beside a model's weights, and to those of data and studies.</summary>
public sealed class DamagedModelFilesTests : IDisposable
{
    private const string Bytes = """
        {"version": "1.0", "truncation": null, "added_tokens": [{"id": 0, "content": "<s>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Prepend", "prepend": "_"},
        {"type": "Replace", "pattern": {"String": "x"}, "content": "y"}, {"type": "Strip", "strip_left": true}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
        {"type": "Punctuation", "behavior": "Isolated"},
        {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [0]}}},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "byte_fallback": false, "ignore_merges": false,
        "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3, "aab": 4}, "merges": ["a b", ["a", "ab"]]}}
        """;

    private const string Pieces = """
        {"added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "BertProcessing", "sep": ["</s>", 1], "cls": ["</s>", 1]},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["</s>", 0.0], ["▁a", -1.5]]}}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Bytes)]
    [InlineData(Pieces)]
    public void Tokenizers(string document) => Damage.Of(document, text =>
        Tokenizer.Load(_folder.Write("tokenizer.json", text)).Encode("ab a"));

    [Fact]
    public void Configurations_of_tokenizers()
    {
        _folder.Write("tokenizer.json", Bytes);
        Damage.Of("""
            {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<s>", "eos_token": {"content": "<s>"}, "pad_token": null,
            "add_bos_token": true, "add_eos_token": false, "add_prefix_space": false, "legacy": true,
            "clean_up_tokenization_spaces": true, "added_tokens_decoder": {"0": {"content": "<s>", "special": true}}}
            """, text =>
        {
            _folder.Write("tokenizer_config.json", text);
            Tokenizer.Load(_folder.Path).Encode("ab a");
        });
    }

    [Fact]
    public void Vocabularies_with_merges_apart()
    {
        _folder.Write("merges.txt", "#version: 0.2\na b\n");
        Damage.Of("""{"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3}""", text =>
        {
            _folder.Write("vocab.json", text);
            Tokenizer.Load(_folder.Path).Encode("ab a");
        });
    }

    [Fact]
    public void Chat_templates_and_special_tokens()
    {
        _folder.Write("special_tokens_map.json", """{"bos_token": {"content": "<s>"}, "eos_token": "</s>"}""");
        Damage.Of("""
            {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": [{"name": "default",
            "template": "{{ bos_token }}{{ messages[0].content }}"}, {"name": "tool_use", "template": "{{ tools }}"}]}
            """, text =>
        {
            _folder.Write("tokenizer_config.json", text);
            _ = ChatTemplate.Load(_folder.Path)?.Render([new("user", "Hello")], addGenerationPrompt: true);
        });
        Damage.Of("""{"bos_token": {"content": "<s>"}, "eos_token": "</s>"}""", text =>
        {
            _folder.Write("special_tokens_map.json", text);
            _folder.Write("tokenizer_config.json", """{"chat_template": "{{ bos_token }}"}""");
            _ = ChatTemplate.Load(_folder.Path)?.Render([new("user", "Hello")], addGenerationPrompt: true);
        }, least: 10);
    }

    [Fact]
    public void Settings_of_generation() => Damage.Of("""
        {"do_sample": true, "temperature": 0.7, "top_k": 50, "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.1,
        "eos_token_id": [1, 2], "bos_token_id": 0}
        """, text =>
    {
        _folder.Write("generation_config.json", text);
        _ = StoredSampling.Of(_folder.Path);
        _ = TextTokens.EndsOf(_folder.Path, ConfigValues.Parse("config.json", "{}"), null);
    });

    [Fact]
    public void Manifests_of_data()
    {
        PreparedData.WriteCorpus(_folder, 20);
        DataPreparation.Run([_folder.File("in.jsonl")], PreparedData.Small, _folder.File("data"), new());
        var path = Path.Combine(_folder.File("data"), DatasetManifest.FileName);
        Damage.Of(File.ReadAllText(path), text =>
        {
            File.WriteAllText(path, text);
            _ = DatasetManifest.Load(_folder.File("data")).Identity();
        });
    }

    [Fact]
    public void Files_of_models_of_a_study() => Damage.Of(
        """{"half": {"model": {"attention": {"keyValueHeads": 2}}}, "whole": {"model": {"layers": 3}}}""",
        text => StudyModel.Read(_folder.Write("models.json", text)));
}
