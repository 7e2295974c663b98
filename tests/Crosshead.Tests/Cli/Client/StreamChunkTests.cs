using System.Text;
using System.Text.Json;
using Crosshead.Cli.Client;

namespace Crosshead.Tests.Cli.Client;

public sealed class StreamChunkTests
{
    [Fact]
    public void A_chunk_of_a_completion_has_its_text()
    {
        var chunk = Read("""{"choices":[{"index":0,"text":"a","finish_reason":null}],"usage":null}""");
        Assert.Equal((true, "a", true, null), (chunk.HasChoice, chunk.Text, chunk.HasText, chunk.FinishReason));
    }

    [Theory]
    [InlineData("reasoning")]
    [InlineData("reasoning_content")]
    public void A_chunk_of_a_chat_has_its_text_and_thoughts(string field)
    {
        var first = Read("""{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""");
        Assert.Equal((true, false), (first.HasChoice, first.HasText));
        var thought = Read($$$"""{"choices":[{"delta":{"{{{field}}}":"hm"}}]}""");
        Assert.Equal(("hm", null, true), (thought.Reasoning, thought.Text, thought.HasText));
        var last = Read("""{"choices":[{"delta":{},"finish_reason":"length"}]}""");
        Assert.Equal(("length", false), (last.FinishReason, last.HasText));
    }

    [Fact]
    public void The_counts_of_tokens_are_no_answer()
    {
        var chunk = Read("""{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}""");
        Assert.Equal((7, 3, false), (chunk.PromptTokens, chunk.OutputTokens, chunk.HasChoice));
    }

    [Theory]
    [InlineData("""{"error":{"message":"out of memory","type":"server_error"}}""", "out of memory")]
    [InlineData("""{"error":"broken"}""", "broken")]
    [InlineData("""{"object":"error","message":"old form"}""", "old form")]
    [InlineData("""{"error":{"code":3}}""", """{"code":3}""")]
    public void A_failure_is_told_in_the_servers_words(string data, string told) =>
        Assert.Equal(told, Read(data).Error);

    [Fact]
    public void The_mark_of_the_end_is_known() => Assert.True(Read("[DONE]").IsEnd);

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    public void Other_data_are_refused(string data) => Assert.ThrowsAny<JsonException>(() => Read(data));

    private static StreamChunk Read(string data) => StreamChunk.Read(Encoding.UTF8.GetBytes(data));
}
