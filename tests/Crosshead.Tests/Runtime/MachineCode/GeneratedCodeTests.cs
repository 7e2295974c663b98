using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Tests.Runtime.MachineCode;

public sealed unsafe class GeneratedCodeTests
{
    [Fact]
    public void A_function_counts_with_saved_registers_and_jumps()
    {
        SkipUnless(X86Base.X64.IsSupported, "x86-64");
        // sum of the integers from 1 to the argument's first number, stored in its second
        var code = GeneratedCode.Make(a =>
        {
            a.Enter(Register.Rax, Register.Rbx, Register.R12);
            a.Load(Register.Rbx, new Address(Register.Rax));
            a.Move(Register.R12, 0);
            var (again, end) = (a.Here(), new Label());
            a.Compare(Register.Rbx, 0);
            a.Jump(Condition.Equal, end);
            a.Add(Register.R12, Register.Rbx);
            a.Subtract(Register.Rbx, 1);
            a.Jump(again);
            a.Place(end);
            a.Store(new Address(Register.Rax, 8), Register.R12);
            a.Leave();
        });
        SkipUnless(code != 0, "memory that may be run");
        var numbers = stackalloc long[2];
        numbers[0] = 1000;
        ((delegate* unmanaged<void*, void>)code)(numbers);
        Assert.Equal(500500, numbers[1]);
    }

    [Fact]
    public void Bytes_are_multiplied_without_and_with_signs()
    {
        SkipUnless(GeneratedCode.HasByteProducts, "AVX512_VNNI");
        var code = GeneratedCode.Make(a =>
        {
            a.Enter(Register.R8);
            a.Broadcast(new VectorRegister(7), new Address(Register.R8, 132));
            a.Load(new VectorRegister(20), new Address(Register.R8));
            a.AddByteProducts(new VectorRegister(7), new VectorRegister(20),
                VectorOperand.One(new Address(Register.R8, 128)));
            a.Store(new Address(Register.R8, 64), new VectorRegister(7));
            a.Leave();
        });
        var memory = stackalloc byte[136];
        for (var i = 0; i < 64; i++) memory[i] = (byte)(255 - i);
        for (var i = 0; i < 4; i++) memory[128 + i] = (byte)(-127 + (100 * i));
        *(int*)(memory + 132) = 1_000_000;
        ((delegate* unmanaged<void*, void>)code)(memory);
        for (var lane = 0; lane < 16; lane++)
        {
            var sum = 1_000_000;
            for (var i = 0; i < 4; i++) sum += memory[(4 * lane) + i] * (sbyte)memory[128 + i];
            Assert.Equal(sum, ((int*)(memory + 64))[lane]);
        }
    }

    [Fact]
    public void BFloat16_pairs_are_multiplied()
    {
        SkipUnless(GeneratedCode.HasBFloat16Products, "AVX512_BF16");
        var code = GeneratedCode.Make(a =>
        {
            a.Enter(Register.R8);
            var (sum, first) = (new VectorRegister(3), new VectorRegister(17));
            a.Clear(sum);
            a.Load(first, new Address(Register.R8));
            a.AddBFloat16Products(sum, first, new Address(Register.R8, 64));
            a.Store(new Address(Register.R8, 128), sum);
            a.Leave();
        });
        var memory = stackalloc byte[192];
        var numbers = (ushort*)memory;
        for (var i = 0; i < 64; i++) numbers[i] = BFloat16(i - 20); // small integers: all sums are exact
        ((delegate* unmanaged<void*, void>)code)(memory);
        for (var lane = 0; lane < 16; lane++)
        {
            var sum = 0f;
            for (var i = 0; i < 2; i++) sum += ((2 * lane) + i - 20) * ((2 * lane) + i + 12);
            Assert.Equal(sum, ((float*)(memory + 128))[lane]);
        }
    }

    private static ushort BFloat16(float number) => (ushort)(BitConverter.SingleToUInt32Bits(number) >> 16);

    private static void SkipUnless([DoesNotReturnIf(false)] bool holds, string needed) =>
        Assert.SkipUnless(holds, $"{RuntimeInformation.ProcessArchitecture} without {needed}");
}
