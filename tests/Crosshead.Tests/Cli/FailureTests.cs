using Crosshead.Cli.Terminal;
using Crosshead.Runtime;

namespace Crosshead.Tests.Cli;

public sealed class FailureTests
{
    [Fact]
    public void A_processor_out_of_memory_is_told_with_size_and_knobs()
    {
        var told = Failure.Describe(new LibTorchException(
            "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
            + "allocate 40000000000 bytes. Error code 12 (Cannot allocate memory)\nException raised from\nframe #0"));
        Assert.StartsWith("out of memory on the CPU: 37.3 GiB more were asked for; ", told);
        Assert.All(["batch", "context", "gradient accumulation", "activation checkpointing", "--dtype"],
            knob => Assert.Contains(knob, told));
    }

    [Fact]
    public void A_cuda_out_of_memory_is_told_with_size() => Assert.StartsWith(
        "out of memory on the CUDA device: 20.00 GiB more were asked for; ",
        Failure.Describe(new LibTorchException(
            "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 139.80 GiB")));

    [Fact]
    public void A_managed_out_of_memory_is_told_with_knobs() =>
        Assert.Contains("activation checkpointing", Failure.Describe(new InsufficientMemoryException()));

    [Fact]
    public void Of_a_libtorch_error_the_first_line_is_told() => Assert.Equal(
        "libtorch: mat1 and mat2 shapes cannot be multiplied", Failure.Describe(new LibTorchException(
            "mat1 and mat2 shapes cannot be multiplied\nException raised from meta at ...\nframe #0: c10::Error")));

    [Fact]
    public void What_the_system_refuses_is_told_with_a_remedy()
    {
        Assert.Equal("Access to the path 'a' is denied; let this user have it, or name another place.",
            Failure.Describe(new UnauthorizedAccessException("Access to the path 'a' is denied.")));
        Assert.Equal("Too many levels of symbolic links; see to it, or name another place.",
            Failure.Describe(new IOException("Too many levels of symbolic links")));
    }

    [Fact]
    public void A_message_of_several_lines_becomes_one() =>
        Assert.Equal("first second", Failure.Describe(new CrossheadException("first\n  second")));

    [Fact]
    public void The_cause_is_told_not_its_wrapping()
    {
        var told = Tell(new AggregateException(
            new TypeInitializationException("T", new CrossheadException("libtorch is missing."))));
        Assert.Equal((2, "libtorch is missing.\n"), told);
    }

    [Fact]
    public void An_interruption_ends_with_130() =>
        Assert.Equal((130, "interrupted.\n"), Tell(new OperationCanceledException()));

    [Fact]
    public void An_unexpected_exception_is_one_line_that_names_it() => Assert.Equal(
        (2, "unexpected InvalidOperationException: the sky fell. Set CROSSHEAD_DEBUG=1 to see where.\n"),
        Tell(new InvalidOperationException("the sky fell.")));

    private static (int ExitCode, string Error) Tell(Exception failure)
    {
        using var error = new StringWriter();
        return (Failure.Tell(failure, new StandardStreams(TextWriter.Null, error)), error.ToString());
    }
}
