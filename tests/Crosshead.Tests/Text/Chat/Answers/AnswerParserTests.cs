using Crosshead.Text.Chat.Answers;

namespace Crosshead.Tests.Text.Chat.Answers;

public sealed class AnswerParserTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, AnswerCases.All.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_whole_answer_is_split(int number)
    {
        var (format, text, content, reasoning, calls) = AnswerCases.All[number];
        var answer = AnswerParser.Parse(text, format, Options());
        Assert.Equal(content, answer.Content);
        Assert.Equal(reasoning, answer.Reasoning);
        Assert.Equal(calls, string.Join("; ", answer.ToolCalls.Select(call => $"{call.Name}({call.Arguments})")));
        Assert.Equal(answer.ToolCalls.Select((_, i) => $"id{i}"), answer.ToolCalls.Select(call => call.Id));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Cuts_do_not_matter(int number)
    {
        var (format, text, _, _, _) = AnswerCases.All[number];
        var whole = Joined(format, [text]);
        for (var cut = 0; cut <= text.Length; cut++)
            Assert.Equal(whole, Joined(format, [text[..cut], text[cut..]]));
        Assert.Equal(whole, Joined(format, text.Select(c => c.ToString())));
        var random = new Random(number);
        for (var round = 0; round < 50; round++)
            Assert.Equal(whole, Joined(format, Pieces(text, random)));
    }

    [Fact]
    public void Cuts_do_not_matter_in_text_made_of_parts_of_marks()
    {
        string[] parts = ["<", "<tool_call>", "</tool_call>", "<tool", "_call>", "{", "}", "\"name\": \"time\"",
            "\"arguments\": {", ", ", "\n", " ", "[TOOL_CALLS]", "[ARGS]", "[", "]", "time", "<think>", "</think>",
            "<function=time>", "<parameter=a>", "</parameter>", "</function>", "\"", "\\", ":", "5", "<|python_tag|>",
            "\"parameters\"", "<tool_call>{\"name\": \"time\", \"arguments\": {", "<arg_key>", "</arg_key>",
            "<arg_value>", "</arg_value>", "<|channel|>", "analysis", "<|message|>", "<|end|>", " to=functions.time",
            "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
            "<tool_call>time\n<arg_key>"];
        var random = new Random(1);
        AnswerFormat[] formats = [AnswerCases.Thinking, AnswerFormat.QwenCoder.WithThoughts(),
            AnswerFormat.Llama.WithThoughts(), AnswerFormat.MistralList, AnswerFormat.MistralNamed,
            AnswerFormat.Glm.WithThoughts(), AnswerFormat.DeepSeek.WithThoughts(), AnswerFormat.GptOss];
        for (var round = 0; round < 5000; round++)
        {
            var text = string.Concat(random.GetItems(parts, random.Next(1, 12)));
            var format = formats[round % formats.Length];
            var whole = Joined(format, [text]);
            Assert.Equal(whole, Joined(format, Pieces(text, random)));
            Assert.Equal(whole, Joined(format, text.Select(c => c.ToString())));
            // The marks of channels are never content.
            if (format != AnswerFormat.GptOss && whole.Calls.Length == 0 && whole.Reasoning is null
                && !text.Contains("<think>"))
                Assert.Equal(text, whole.Content);
        }
    }

    [Fact]
    public void Text_is_passed_on_as_soon_as_it_is_certain()
    {
        var parser = new AnswerParser(AnswerFormat.Hermes, Options());
        Assert.Equal([new ContentPart("Well,")], parser.Push("Well, "));
        Assert.Equal([new ContentPart(" a")], parser.Push("a <tool"));
        Assert.Equal([new ContentPart(" <tool>")], parser.Push(">"));
        Assert.Equal([], parser.Push("<tool_call>{\"name\": \"time\", \"arguments\":"));
        Assert.Equal([new ToolCallBeginPart(0, "id0", "time"), new ToolCallArgumentsPart(0, "{\"a")],
            parser.Push(" {\"a"));
        Assert.Equal([new ToolCallArgumentsPart(0, "\": 1}")], parser.Push("\": 1}}"));
        Assert.Equal([], parser.Finish());
    }

    [Fact]
    public void A_thought_may_begin_in_the_prompt()
    {
        Assert.True(AnswerCases.Thinking.BeginsThought("<|assistant|>\n<think>\n"));
        Assert.False(AnswerCases.Thinking.BeginsThought("<think>\n\n</think>\n\n"));
        Assert.False(AnswerFormat.Hermes.BeginsThought("<think>"));
        var answer = AnswerParser.Parse("\nHm.\n</think>\n\nYes", AnswerCases.Thinking,
            new() { BeginsInThought = true });
        Assert.Equal(("Yes", "Hm."), (answer.Content, answer.Reasoning));
    }

    [Fact]
    public void A_channel_may_begin_in_the_prompt()
    {
        Assert.True(AnswerFormat.GptOss.BeginsThought("<|start|>assistant<|channel|>analysis<|message|>"));
        Assert.False(AnswerFormat.GptOss.BeginsThought("<|start|>assistant"));
        var answer = AnswerParser.Parse("Hm<|end|><|start|>assistant<|channel|>final<|message|>Yes",
            AnswerFormat.GptOss, new() { BeginsInThought = true });
        Assert.Equal(("Yes", "Hm"), (answer.Content, answer.Reasoning));
        var call = "<|channel|>commentary to=functions.time <|constrain|>json<|message|>{}";
        Assert.Equal("{}", AnswerParser.Parse(call, AnswerFormat.GptOss).Content); // no tools, no call
    }

    [Fact]
    public void A_channel_is_passed_on_as_it_arrives()
    {
        var parser = new AnswerParser(AnswerFormat.GptOss, Options());
        Assert.Equal([], parser.Push("<|channel|>analysis<|mess"));
        Assert.Equal([new ReasoningPart("Hm ")], parser.Push("age|>Hm "));
        Assert.Equal([], parser.Push("<|end|><|start|>assistant<|channel|>commentary to=functions.time json"));
        Assert.Equal([new ToolCallBeginPart(0, "id0", "time"), new ToolCallArgumentsPart(0, "{\"a")],
            parser.Push("<|message|>{\"a"));
        Assert.Equal([new ToolCallArgumentsPart(0, "\": 1}")], parser.Push("\": 1}<|call|>"));
        Assert.Equal([], parser.Finish());
    }

    [Fact]
    public void Without_tools_no_calls_are_looked_for()
    {
        var text = "<tool_call>{\"name\": \"time\"}</tool_call>";
        Assert.Equal(text, AnswerParser.Parse(text, AnswerFormat.Hermes).Content);
    }

    [Fact]
    public void Only_the_first_call_may_count()
    {
        var text = string.Concat(Enumerable.Repeat("<tool_call>{\"name\": \"time\"}</tool_call>\n", 3));
        var answer = AnswerParser.Parse(text, AnswerFormat.Hermes, Options() with { AllowsSeveralCalls = false });
        Assert.Equal("id0", Assert.Single(answer.ToolCalls).Id);
        Assert.Equal("", answer.Content);
    }

    [Fact]
    public void Ids_have_the_form_of_the_family()
    {
        Assert.Matches("^call_[0-9A-Za-z]{24}$", AnswerFormat.Hermes.NewCallId());
        Assert.Matches("^[0-9A-Za-z]{9}$", AnswerFormat.MistralList.NewCallId());
        Assert.Matches("^[0-9A-Za-z]{9}$", AnswerFormat.MistralNamed.NewCallId());
        var answer = AnswerParser.Parse("[TOOL_CALLS]time[ARGS]{}", AnswerFormat.MistralNamed,
            new() { Tools = AnswerCases.Tools });
        Assert.Matches("^[0-9A-Za-z]{9}$", answer.ToolCalls[0].Id);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("<tool_call>")]
    [InlineData("<tool_call>{\"a\": ")]
    [InlineData("<tool_call>{\"a\": \"")]
    [InlineData("[[[[")]
    [InlineData("<｜tool▁calls▁begin｜>")]
    public void Long_answers_take_linear_time(string part)
    {
        var parser = new AnswerParser(AnswerFormat.Hermes, Options());
        var text = string.Concat(Enumerable.Repeat(part, 200_000 / part.Length));
        var parts = text.SelectMany(c => parser.Push([c])).ToList();
        Assert.Equal(text, Answer.Join([.. parts, .. parser.Finish()]).Content);
    }

    private static AnswerParserOptions Options()
    {
        var calls = 0;
        return new() { Tools = AnswerCases.Tools, NewCallId = () => $"id{calls++}" };
    }

    private static (string Content, string? Reasoning, string Calls) Joined(AnswerFormat format,
        IEnumerable<string> pieces)
    {
        var parser = new AnswerParser(format, Options());
        var answer = Answer.Join([.. pieces.SelectMany(piece => parser.Push(piece)), .. parser.Finish()]);
        return (answer.Content, answer.Reasoning, string.Join("; ", answer.ToolCalls));
    }

    private static List<string> Pieces(string text, Random random)
    {
        var pieces = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(random.Next(0, 7), text.Length - at);
            pieces.Add(text.Substring(at, length));
            at += length;
        }
        return pieces;
    }
}
