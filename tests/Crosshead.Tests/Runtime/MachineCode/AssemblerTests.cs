using Crosshead.Runtime.MachineCode;
using static Crosshead.Runtime.MachineCode.Register;

namespace Crosshead.Tests.Runtime.MachineCode;

public sealed class AssemblerTests
{
    // The bytes that GNU as 2.40 makes of the text, with the prefixes {load} and {evex} where it has a choice.
    private static readonly Dictionary<string, (string Bytes, Action<Assembler> Write)> s_instructions = new()
    {
        ["mov rax, rdi"] = ("488bc7", a => a.Move(Rax, Rdi)),
        ["mov r11, rcx"] = ("4c8bd9", a => a.Move(R11, Rcx)),
        ["mov rax, -2"] = ("48c7c0feffffff", a => a.Move(Rax, -2)),
        ["mov rdx, [r12]"] = ("498b1424", a => a.Load(Rdx, new Address(R12))),
        ["mov r9, [rax+8]"] = ("4c8b4808", a => a.Load(R9, new Address(Rax, 8))),
        ["mov [r13], r8"] = ("4d894500", a => a.Store(new Address(R13), R8)),
        ["lea r10, [rcx+r9*8+1024]"] = ("4e8d94c900040000", a => a.LoadAddress(R10, new Address(Rcx, 1024, R9, 8))),
        ["add r8, rdx"] = ("4c03c2", a => a.Add(R8, Rdx)),
        ["add rax, [rsp+16]"] = ("4803442410", a => a.Add(Rax, new Address(Rsp, 16))),
        ["add r11, 127"] = ("4983c37f", a => a.Add(R11, 127)),
        ["add rcx, 4096"] = ("4881c100100000", a => a.Add(Rcx, 4096)),
        ["sub rdx, r11"] = ("492bd3", a => a.Subtract(Rdx, R11)),
        ["sub r8, 1"] = ("4983e801", a => a.Subtract(R8, 1)),
        ["cmp rax, r9"] = ("493bc1", a => a.Compare(Rax, R9)),
        ["cmp r10, [rbp]"] = ("4c3b5500", a => a.Compare(R10, new Address(Rbp))),
        ["cmp rcx, 48"] = ("4883f930", a => a.Compare(Rcx, 48)),
        ["prefetcht0 [r9+64]"] = ("410f184940", a => a.Prefetch(new Address(R9, 64))),
        ["ret"] = ("c3", a => a.Return()),
        ["vmovups zmm0, [rax]"] = ("62f17c481000", a => a.Load(Z(0), new Address(Rax))),
        ["vmovups zmm31, [r13+r10*4+128]"] = ("62017c48107c9502", a => a.Load(Z(31), new Address(R13, 128, R10, 4))),
        ["vmovups zmm9, zmm25"] = ("62117c4810c9", a => a.Load(Z(9), Z(25))),
        ["vmovups [rcx+100], zmm17"] = ("62e17c48118964000000", a => a.Store(new Address(Rcx, 100), Z(17))),
        ["vmovups [r8+32], ymm10"] = ("62517c28115001", a => a.Store32(new Address(R8, 32), Z(10))),
        ["vpbroadcastd zmm20, dword ptr [rdx+36]"] = ("62e27d48586209",
            a => a.Broadcast(Z(20), new Address(Rdx, 36))),
        ["vpxord zmm3, zmm3, zmm3"] = ("62f16548efdb", a => a.Clear(Z(3))),
        ["vpxord zmm4, zmm18, [rax+64]"] = ("62f16d40ef6001", a => a.Xor(Z(4), Z(18), new Address(Rax, 64))),
        ["vpdpbusd zmm12, zmm28, dword ptr [r9+28]{1to16}"] = ("62521d50506107",
            a => a.AddByteProducts(Z(12), Z(28), VectorOperand.One(new Address(R9, 28)))),
        ["vpdpbusd zmm1, zmm2, zmm30"] = ("62926d4850ce", a => a.AddByteProducts(Z(1), Z(2), Z(30))),
        ["vdpbf16ps zmm19, zmm5, dword ptr [rdx+4]{1to16}"] = ("62e25658525a01",
            a => a.AddBFloat16Products(Z(19), Z(5), VectorOperand.One(new Address(Rdx, 4)))),
        ["vpdpwssd zmm19, zmm5, zmm2"] = ("62e2554852da", a => a.AddInt16Products(Z(19), Z(5), Z(2))),
        ["vpmovsxbw zmm1, ymmword ptr [rdx+96]"] = ("62f27d48204a03",
            a => a.WidenBytes(Z(1), new Address(Rdx, 96))),
        ["vdpbf16ps zmm0, zmm1, [rcx-64]"] = ("62f276485241ff",
            a => a.AddBFloat16Products(Z(0), Z(1), new Address(Rcx, -64))),
        ["vcvtdq2ps zmm26, zmm27"] = ("62017c485bd3", a => a.ToFloat32(Z(26), Z(27))),
        ["vaddps zmm1, zmm2, zmm3"] = ("62f16c4858cb", a => a.Add(Z(1), Z(2), Z(3))),
        ["vmulps zmm2, zmm29, dword ptr [rax+32]{1to16}"] = ("62f11450595008",
            a => a.Multiply(Z(2), Z(29), VectorOperand.One(new Address(Rax, 32)))),
        ["vfmadd231ps zmm22, zmm3, [r8+8192]"] = ("62c26548b8b000200000",
            a => a.AddProduct(Z(22), Z(3), new Address(R8, 8192))),
        ["vshuff32x4 zmm24, zmm3, zmm20, 0x44"] = ("6223654823c444",
            a => a.ShuffleQuarters(Z(24), Z(3), Z(20), 0x44)),
        ["vshufps zmm25, zmm16, zmm1, 0x88"] = ("62617c40c6c988", a => a.Shuffle(Z(25), Z(16), Z(1), 0x88)),
    };

    public static TheoryData<string> Texts => [.. s_instructions.Keys];

    [Theory]
    [MemberData(nameof(Texts))]
    public void An_instruction_has_the_bytes_of_another_assembler(string text)
    {
        var (bytes, write) = s_instructions[text];
        var assembler = new Assembler();
        write(assembler);
        Assert.Equal(bytes, Convert.ToHexStringLower(assembler.Code));
    }

    [Fact]
    public void Jumps_go_to_labels_before_and_behind_them()
    {
        var assembler = new Assembler();
        var (again, end) = (assembler.Here(), new Label());
        assembler.Jump(Condition.Equal, end);
        assembler.Jump(again);
        assembler.Place(end);
        assembler.Return();
        // je end; jmp again; ret
        Assert.Equal("0f8405000000" + "e9f5ffffff" + "c3", Convert.ToHexStringLower(assembler.Code));
    }

    [Fact]
    public void A_jump_to_nowhere_is_found()
    {
        var assembler = new Assembler();
        assembler.Jump(new Label());
        Assert.Throws<InvalidOperationException>(() => assembler.Code);
    }

    private static VectorRegister Z(int number) => new(number);
}
