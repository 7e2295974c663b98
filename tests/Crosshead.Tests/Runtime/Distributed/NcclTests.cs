using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>What NCCL is given, and what its answers become, without a GPU.</summary>
public sealed class NcclTests
{
    private static readonly Guid First = new(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]);
    private static readonly Guid Second = new(2, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]);

    [Fact]
    public unsafe void Calls_arrive_as_the_header_declares_them()
    {
        using var folder = new TemporaryFolder();
        var library = Stub(folder);
        var nccl = new Nccl(library);
        Assert.Equal("2.28.9", Nccl.Text(nccl.Version));
        var failure = Assert.Throws<CrossheadException>(() => NcclCommunicator.Connect(nccl, nccl.NewId(), 99, 1));
        Assert.StartsWith("connecting rank 1 of 99: NCCL answered error 4, invalid argument (too many ranks: 99); ",
            failure.Message);
        Assert.DoesNotContain('\n', failure.Message);

        var communicator = NcclCommunicator.Connect(nccl, nccl.NewId(), 3, 1);
        communicator.AllToAll([1000, 1010, 1030], [10, 20, 0], 2000, [5, 20, 7], 77);
        communicator.AllGather(3000, [4, 0, 6_000_000_000], 77);
        communicator.ThrowIfFailed();
        communicator.Close(tidy: true);
        communicator.Close(tidy: false); // a second time it does nothing
        NcclCommunicator.Connect(nccl, nccl.NewId(), 3, 2).Close(tidy: false);
        var calls = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library,
            "stub_calls"))());
        Assert.Equal("""
            connect 1 of 3, 128 bytes of the id, config 72 of 72 bytes, cafebeef, 22700, crosshead, unset 1
            group 1
            send 10 of type 1 from 1000 to 0, 1, stream 77
            receive 5 of type 1 at 2000 from 0, 1, stream 77
            receive 7 of type 1 at 2025 from 2, 1, stream 77
            end 0
            group 1
            broadcast 4 of type 1 from 3000 to 3000 by 0, 1, stream 77
            broadcast 6000000000 of type 1 from 3004 to 3004 by 2, 1, stream 77
            end 0
            destroy 1
            connect 2 of 3, 128 bytes of the id, config 72 of 72 bytes, cafebeef, 22700, crosshead, unset 1
            abort 1

            """, calls);
    }

    [Fact]
    public void An_exchange_that_failed_later_is_reported()
    {
        using var folder = new TemporaryFolder();
        var nccl = new Nccl(Stub(folder));
        var communicator = NcclCommunicator.Connect(nccl, nccl.NewId(), 3, 1);
        for (var i = 0; i < 20; i++) communicator.AllGather(1, [1, 1, 1], 0); // the stub fails once it has written much
        var failure = Assert.Throws<CrossheadException>(communicator.ThrowIfFailed);
        Assert.Contains("error 4, invalid argument (comm is known)", failure.Message);
    }

    [Theory]
    [InlineData(22809, 22809, true, null)]
    [InlineData(22809, 0, true, "rank 1 has no NCCL")]
    [InlineData(22105, 22809, true, "rank 0 has NCCL 2.21.5; it must be 2.27.0 or newer")]
    [InlineData(22809, 22703, true, "rank 0 has NCCL 2.28.9 and rank 1 has 2.27.3")]
    [InlineData(22809, 22809, false, "ranks 0 and 1 have the same GPU (00000001-0002-0003-0405-060708090a0b)")]
    public void Ranks_that_do_not_fit_are_refused_by_all_of_them(int version, int other, bool twoGpus, string? refusal)
    {
        var answers = ThreadCommunicator.Run(2, ranks =>
        {
            try
            {
                new NcclHandshake(ranks.Rank == 0 ? version : other, ranks.Rank == 1 && twoGpus ? Second : First)
                    .Exchange(ranks);
                return null;
            }
            catch (CrossheadException e)
            {
                return e.Message;
            }
        });
        Assert.Equal(answers[0], answers[1]);
        if (refusal is null) Assert.Null(answers[0]);
        else Assert.StartsWith(refusal, answers[0]);
    }

    [Fact]
    public void Only_a_library_that_is_loaded_is_found()
    {
        Assert.NotEqual(0, LoadedLibrary.Find("libtorch_cpu.so"));
        Assert.Equal(0, LoadedLibrary.Find("libanl.so.1")); // the system has it, and nobody has loaded it
    }

    [Fact]
    public void Ranks_of_a_host_take_its_GPUs_in_order()
    {
        Assert.Equal(3, RankDevice.Index("auto", 3, 4, 8));
        Assert.Equal(0, RankDevice.Index("cuda", 3, 4, 1)); // the launcher shows each rank one GPU
        var few = Assert.Throws<CrossheadException>(() => RankDevice.Index("auto", 0, 4, 2));
        Assert.StartsWith("4 ranks were started on a host with 2 GPUs; start at most 2", few.Message);
        var one = Assert.Throws<CrossheadException>(() => RankDevice.Index("cuda:1", 0, 4, 8));
        Assert.StartsWith("device \"cuda:1\" would be the GPU of 4 ranks", one.Message);
        Assert.Equal("cpu", RankDevice.Choose("cpu", Crosshead.Runtime.Distributed.Alone.Instance).ToString());
    }

    private static nint Stub(TemporaryFolder folder)
    {
        var library = folder.File("nccl_stub.so");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-o", library,
                Path.Combine(AppContext.BaseDirectory, "Runtime/Distributed/nccl_stub.c")])
            { RedirectStandardError = true });
            var errors = compiler!.StandardError.ReadToEnd();
            compiler.WaitForExit();
            Assert.True(compiler.ExitCode == 0, errors);
        }
        catch (Win32Exception)
        {
            Assert.Skip("this machine has no C compiler (cc)");
        }
        return NativeLibrary.Load(library);
    }
}
