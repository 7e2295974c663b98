namespace Crosshead.Tests.Cli;

/// <summary>
/// What arguments and headers tell is refused in one line before any weight is read, and nothing is written: the
/// models' weights are such that reading them fails, and all files are compared with what they were.
/// </summary>
public sealed class EarlyRefusalTests(UnreadableModels models) : IClassFixture<UnreadableModels>
{
    [Theory]
    [InlineData("generate @model --prompt word1")]
    [InlineData("generate @model --prompt word1 --device CPU --dtype Float32 --cache-type FLOAT32 --activations Int8")]
    [InlineData("quantize @model --type Q4_K_M --out @new.gguf")]
    [InlineData("perplexity @model --text @text.txt")]
    [InlineData("profile @model --text @text.txt --windows 4 --out @new.json")]
    [InlineData("compress @model --method svd --out @new")]
    [InlineData("compress @model --calibrate @text.txt --windows 4 --profile @profile.json --out @new")]
    [InlineData("export @model --out @new")]
    [InlineData("data generate @model --tokens 10 --out @new")]
    [InlineData("verify @model")]
    [InlineData("train @again.json --from @model --out @new")]
    public void What_is_well_asked_reads_the_weights(string line) => Refuses(line, "NaN or infinite");

    [Theory]
    [InlineData("--prompt", "word1 --dtype float23", "did you mean")]
    [InlineData("--prompt", "word1 --cache-type int7", "--cache-type \"int7\" is unknown; did you mean \"int8\"")]
    [InlineData("--prompt", "word1 --dtype float64 --cache-type int8", "not in float64; use --dtype float32, or leave")]
    [InlineData("--prompt", "word1 --device cpuu", "device \"cpuu\" is unknown")]
    [InlineData("--prompt", "word1 --top-p 0", "--top-p must be a number above 0, to 1")]
    [InlineData("--prompt", "word1,word2,word3,word4,word5,word6,word7,word8,word9,word10,word11,word12,word13,word14,"
        + "word15,word16,word17", "leaves no room in the model's context of 32")]
    public void Generate(string option, string value, string told) =>
        Refuses($"generate @model {option} {value}", told);

    [Theory]
    [InlineData("@empty.txt", "is empty")]
    [InlineData("@nowhere.txt", "does not exist")]
    [InlineData("@folder", "is a folder; name a UTF-8 text file")]
    [InlineData("@text.txt --max-bytes 0", "--max-bytes must be a whole number from 1")]
    public void Perplexity(string text, string told) => Refuses($"perplexity @model --text {text}", told);

    [Theory]
    [InlineData("--out @new.json --window 64", "--window 64 is longer than the model's context (32)")]
    [InlineData("--out @new.json --windows 1 --window 2", "are the least that tell")]
    [InlineData("--out @profile.json --windows 5", "other text or windows")]
    [InlineData("--out @another.json --windows 4", "is of another model (weights 0")]
    [InlineData("--out @deeper.json --windows 4", "is of another model (3 layers")]
    [InlineData("--out @mine.txt", "is no profile")]
    [InlineData("--out @folder", "is a folder; name a file.")]
    [InlineData("--out @mine.txt/p.json", "is a file, not a folder")]
    [InlineData("--out @new.html", "has the name of another file that is written beside it")]
    [InlineData("--out /proc/p.json", "the folder \"/proc\" cannot be written")]
    [InlineData("--out /dev/null --overwrite", "is no place for files")]
    [InlineData("--out @text.txt --overwrite", "would replace")]
    public void Profile(string options, string told) => Refuses($"profile @model --text @text.txt {options}", told);

    [Theory]
    [InlineData("--key-components 99", "--key-components 99 is more than the 2 that whole heads have; use at most 1")]
    [InlineData("--key-components 2", "keeps whole heads, so nothing would be made smaller")]
    [InlineData("--value-rank 99", "--value-rank 99 is more than the 8 that whole heads have; use at most 7")]
    [InlineData("--value-rank 3 --method svd", "a value rank of 3 is out of range")]
    [InlineData("--value-rank 4 --cache 50%", "are both given")]
    [InlineData("--value-rank 4 --rounds 2", "--rounds is of no use where sizes are given")]
    [InlineData("--method svd --profile @profile.json", "--profile is of no use with --method svd")]
    [InlineData("--method svd --cache 30%", "is no number of heads")]
    [InlineData("--method svdd", "did you mean \"svd\"")]
    [InlineData("--cache 1%", "cannot be met")]
    [InlineData("--cache 1% --profile @profile.json", "cannot be met")]
    [InlineData("--profile @another.json", "is of another model (weights 0")]
    [InlineData("--profile @deeper.json", "is of another model (3 layers")]
    [InlineData("--profile @mine.txt", "is no profile")]
    [InlineData("--layers 0-7", "names layer 7")]
    [InlineData("--window 64", "is longer than the model's context")]
    [InlineData("--windows 1 --window 2", "are the least that tell")]
    [InlineData("--held-out @short.txt", "a window needs")]
    [InlineData("--held-out @empty.txt", "is empty")]
    public void Compress(string options, string told) =>
        Refuses($"compress @model --calibrate @text.txt --out @new {options}", told);

    [Theory]
    [InlineData("compress @model --out @new", "--method fine needs text")]
    [InlineData("compress @model --calibrate @short.txt --out @new", "a window needs")]
    [InlineData("compress @paired --method svd --out @new", "virtual heads do not apply to differential")]
    [InlineData("compress @model --method svd --out @mine.txt", "is a file; name a folder.")]
    [InlineData("compress @model --method svd --out @folder",
        "exists already; name a new folder, or replace it with --overwrite.")]
    [InlineData("compress @model --method svd --out @folder --overwrite", "holds something else than a model's files")]
    [InlineData("compress @model --method svd --out @model --overwrite", "which this command reads")]
    [InlineData("export @model --out @folder", "exists already")]
    [InlineData("export @model --out @model --overwrite", "which this command reads")]
    [InlineData("export @model --out @paired --overwrite", "holds something else than a model's files")]
    [InlineData("export @normed --out @new", "a norm on its heads' outputs")]
    [InlineData("export @model --out @mine.txt/new", "is a file, not a folder")]
    public void Models_that_are_written(string line, string told) => Refuses(line, told);

    [Theory]
    [InlineData("data generate @model --tokens 10 --out @mine.txt", "is a file; name a folder.")]
    [InlineData("data generate @model --tokens 10 --max-tokens 99 --prompt-file @text.txt --out @new",
        "leaves no room in documents of 32 tokens")]
    [InlineData("data generate @model --tokens 10 --prompt-file @empty.txt --out @new", "are empty")]
    [InlineData("data generate @model --tokens 10 --out @otherData", "holds data that was prepared otherwise")]
    [InlineData("data prepare @text.txt --tokenizer @tokenizer.json --out @mine.txt", "is a file; name a folder.")]
    [InlineData("data prepare @text.txt --tokenizer @tokenizer.json --out @otherData",
        "holds data that was prepared otherwise")]
    [InlineData("data prepare @text.txt --tokenizer @nowhere --out @new", "does not exist")]
    [InlineData("data prepare @empty.txt --tokenizer @tokenizer.json --out @new", "is empty (0 bytes)")]
    [InlineData("data prepare @text.txt --field body --tokenizer @tokenizer.json --out @new",
        "--field names a field of JSONL or Parquet, and all inputs are plain text; leave it out.")]
    [InlineData("data prepare @rows.jsonl --split-on file --tokenizer @tokenizer.json --out @new",
        "--split-on splits plain text, and all inputs are JSONL or Parquet, whose rows are the documents; leave it "
        + "out.")]
    [InlineData("tokenizer train @text.txt --field body --out @new.json", "--field names a field of JSONL or Parquet")]
    [InlineData("tokenizer train @text.txt @rows.jsonl --field body --split-on file --vocab 290 --out @new.json",
        "body")]
    [InlineData("tokenizer train @text.txt --out @tokenizer.json",
        "exists already; name another file, or replace it with --overwrite.")]
    [InlineData("tokenizer train @text.txt --out @foreign/second.json", "tokenizer_config.json\", which --out")]
    [InlineData("tokenizer train @text.txt --out @other", "exists already")]
    [InlineData("tokenizer train @text.txt --out /proc/x.json", "the folder \"/proc\" cannot be written")]
    [InlineData("tokenizer train @text.txt --vocab 5 --out @new.json", "5")]
    public void Data_and_tokenizers(string line, string told) => Refuses(line, told);

    [Theory]
    [InlineData("train @tiny.json --out @mine.txt", "is a file; name a folder.")]
    [InlineData("train @tiny.json --out /proc",
        "--out \"/proc\" cannot be written: let this user write there, or name another folder.")]
    [InlineData("train @tiny.json --out /dev", "--out \"/dev\" is no place for files")]
    [InlineData("train @tiny.json --out @model",
        "use --resume to go on with it, --overwrite to replace it, or another folder.")]
    [InlineData("train @tiny.json --out @model --resume --overwrite", "use one of them")]
    [InlineData("train @again.json --from @model --out @model --overwrite", "which the run begins with")]
    [InlineData("train @again.json --from @model --set data.folder=@otherData --out @new", "280")]
    [InlineData("train @again.json --from @model --teacher @nowhere --out @new", "no model directory")]
    [InlineData("train @tiny.json --set training.device=gpu --out @new", "device \"gpu\" is unknown")]
    [InlineData("sweep @tiny.json --variants gqa --learning-rates 1e-3 --set training.steps=10 --set "
        + "training.evalEvery=1 --out @mine.txt", "is a file; name a folder.")]
    [InlineData("sweep @tiny.json --variants gqa --learning-rates 1e-3 --set training.steps=10 --set "
        + "training.evalEvery=1 --out @folder --overwrite", "holds something that is no sweep")]
    [InlineData("demo --text @long.txt --out @folder --overwrite", "holds something that is no demo (thesis.txt)")]
    [InlineData("demo --text @long.txt --out @model --overwrite", "model\" holds something that is no demo (")]
    [InlineData("demo --text @long.txt --out @other --overwrite", "other\" holds something that is no demo (")]
    [InlineData("demo --text @long.txt --out @mine.txt", "is a file; name a folder.")]
    [InlineData("demo --text @empty.txt --out @new", "is empty")]
    [InlineData("verify @model @nowhere", "nowhere")]
    [InlineData("eval @model --tasks recall_copy_64 --cache @new --no-cache", "--cache and --no-cache exclude each")]
    [InlineData("compress @model --method svd --windows 3 --out @new", "--windows is of no use without a text")]
    [InlineData("eval @model --tasks recall_copy_64 --data @nowhere", "is no folder; name the one that holds")]
    [InlineData("bench attention --heads 7 --out x", "unknown option")]
    [InlineData("train ", "was given an empty RECIPE.json (\"\")")]
    [InlineData("info ", "was given an empty MODEL (\"\")")]
    [InlineData("train @tiny.json --out ", "--out is empty (\"\"); it needs its <dir>: Folder of the run")]
    [InlineData("sweep @tiny.json --variants gqa --learning-rates 1e-3 --out ",
        "--out is empty (\"\"); it needs its <dir>: Folder for runs")]
    public void Runs(string line, string told) => Refuses(line, told);

    private void Refuses(string line, string told)
    {
        var before = models.Contents();
        Assert.Contains(told, models.Run(line).Refusal(), StringComparison.Ordinal);
        Assert.Equal(before, models.Contents());
    }
}
