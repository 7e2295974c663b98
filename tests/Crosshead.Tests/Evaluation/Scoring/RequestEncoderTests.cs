using Crosshead.Evaluation.Scoring;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Tokenizers;
using CsCheck;

namespace Crosshead.Tests.Evaluation.Scoring;

public sealed class RequestEncoderTests
{
    private static readonly Tokenizer Words = TinyTokenizer.Gpt2;

    // lm-evaluation-harness: spaces move to the continuation, which is what the whole has beyond as many tokens as the
    // context.
    private static (int[] Context, int[] Continuation) Reference(string context, string continuation)
    {
        int[] Ids(string text) => Words.Encode(text, addSpecialTokens: false);
        var spaces = context.Length - context.TrimEnd().Length;
        (context, continuation) = (context[..^spaces], context[^spaces..] + continuation);
        if (context.Length > 0) return (Ids(context), [.. Ids(context + continuation).Skip(Ids(context).Length)]);
        var prefix = Words.EosTokenId!.Value;
        var own = Ids(continuation);
        return own is [var first, _, ..] && first == prefix ? ([prefix], own[1..]) : ([prefix], own);
    }

    [Fact]
    public void Pairs_are_split_as_the_harness_splits_them_and_never_into_nothing()
    {
        var encoder = new RequestEncoder(Words, 1_000_000);
        var text = Gen.OneOf(TinyTokenizer.Mixed, Gen.OneOf<string>("the", "t", "he", " ", "  ", "a", "atten", "tion",
            "<|endoftext|>", "\n"), Gen.Const("")).Array[0, 3].Select(string.Concat);
        var refused = 0;
        Gen.Select(text, text).Sample((context, continuation) =>
        {
            var expected = Reference(context, continuation);
            if (expected.Continuation.Length == 0)
            {
                Interlocked.Increment(ref refused);
                Assert.Contains("has no token of its own",
                    Assert.Throws<CrossheadException>(() => { encoder.Encode(context, continuation); }).Message);
                return;
            }
            var request = encoder.Encode(context, continuation);
            Assert.Equal(expected.Continuation, request.Tokens[^request.Predicted..]);
            Assert.Equal(expected.Context, request.Tokens[..^request.Predicted]);
        }, iter: 3_000, threads: 1);
        Assert.True(refused > 0);
    }

    [Fact]
    public void A_continuation_that_is_joined_with_the_context_is_named_with_it_on_one_line()
    {
        Assert.Single(Words.Encode("the", addSpecialTokens: false));
        var message = Assert.Throws<CrossheadException>(
            () => new RequestEncoder(Words, 100).Encode("42\n" + new string('x', 200) + "\n t", "he")).Message;
        Assert.Contains("the continuation \"he\" has no token of its own", message);
        Assert.Contains("x\\n t\"", message);
        Assert.DoesNotContain('\n', message);
        Assert.True(message.Length < 500);
    }

    [Fact]
    public void A_begin_token_stands_once()
    {
        var end = Words.EosTokenId!.Value;
        Assert.Equal([end, .. Words.Encode("to", addSpecialTokens: false)],
            new RequestEncoder(Words, 100).Encode("", "<|endoftext|>to").Tokens);
        // it must be scored after something
        Assert.Equal([end, end], new RequestEncoder(Words, 100).Encode("", "<|endoftext|>").Tokens);
    }

    [Fact]
    public void A_text_without_tokens_is_refused() =>
        Assert.Contains("has no tokens",
            Assert.Throws<CrossheadException>(() => new RequestEncoder(Words, 100).EncodeText("").ToArray()).Message);
}
