using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

internal sealed class SimulatedRegister(bool uniqueValues) : SimulatedObject<RegisterInput, RegisterOutput>
{
    private long _value;

    public override RegisterInput NextInput(Prng random) => random.NextInt32(10) switch
    {
        < 5 => RegisterInput.Read,
        < 9 => RegisterInput.Write(Value(random)),
        _ => RegisterInput.CompareAndSwap(uniqueValues ? _value : random.NextInt32(4), Value(random)),
    };

    public override RegisterOutput Apply(RegisterInput input)
    {
        if (input.Kind == RegisterInputKind.Read)
        {
            return RegisterOutput.Of(_value);
        }

        if (input.Kind == RegisterInputKind.CompareAndSwap && _value != input.Expected)
        {
            return RegisterOutput.NotSwapped;
        }

        _value = input.Value;
        return input.Kind == RegisterInputKind.Write ? RegisterOutput.Ok : RegisterOutput.Swapped;
    }

    public override RegisterOutput NextOutput(RegisterInput input, Prng random) => input.Kind switch
    {
        RegisterInputKind.Read => RegisterOutput.Of(random.NextInt32(5)),
        RegisterInputKind.Write => RegisterOutput.Ok,
        _ => random.Chance(0.5) ? RegisterOutput.Swapped : RegisterOutput.NotSwapped,
    };

    private long Value(Prng random) => uniqueValues ? NextValue() : random.NextInt32(4);
}

/// <summary>A list, and with it a set, whose answers may come in any order.</summary>
internal sealed class SimulatedList(bool isSet) : SimulatedObject<AppendInput, AppendOutput>
{
    private readonly List<long> _values = [];

    public override AppendInput NextInput(Prng random) =>
        random.Chance(0.5) ? AppendInput.Read : AppendInput.Append(NextValue());

    public override AppendOutput Apply(AppendInput input)
    {
        if (!input.IsRead)
        {
            _values.Add(input.Value);
            return AppendOutput.Ok;
        }

        return AppendOutput.Of([.. isSet ? _values.AsEnumerable().Reverse() : _values]);
    }

    public override AppendOutput NextOutput(AppendInput input, Prng random)
    {
        if (!input.IsRead)
        {
            return AppendOutput.Ok;
        }

        // Some of the values, sometimes in another order.
        long[] values = [.. _values.Where(_ => random.Chance(0.7))];
        if (random.Chance(0.3))
        {
            random.Shuffle<long>(values);
        }

        return AppendOutput.Of(values);
    }
}
