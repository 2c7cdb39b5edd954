using DistFS.Linearizability;

namespace DistFS.Simulation;

/// <summary>An operation that a client has begun.</summary>
/// <param name="Command">What it asks.</param>
/// <param name="ByQuery">Whether it is read without the log.</param>
/// <param name="Padding">Zeros behind the command.</param>
public sealed record ClientOperation(RegisterListCommand Command, bool ByQuery, int Padding)
{
    /// <summary>The number of the first attempt.</summary>
    public ulong FirstAttempt { get; init; }

    /// <summary>When it is given up.</summary>
    public long Deadline { get; init; }

    /// <summary>Its place in the history.</summary>
    public object? Open { get; init; }
}

/// <summary>What all clients asked and saw, register by register and list by list.</summary>
public sealed class ClientHistory
{
    // Enough for the hardest history that the world's sizes allow; more steps would only hide a world that is too
    // large.
    private const long StepsMax = 3_000_000;

    private readonly HistoryRecorder<Keyed<ushort, RegisterInput>, RegisterOutput> _registers = new();
    private readonly HistoryRecorder<Keyed<ushort, AppendInput>, AppendOutput> _lists = new();

    // Every call and answer has a stamp of its own, so none overlap that did not.
    private long _stamp;
    private long _values;

    /// <summary>A value that nobody has written.</summary>
    public long NextValue() => ++_values;

    /// <summary>A client is about to call.</summary>
    public object Invoke(RegisterListCommand command) => command.IsOfList
        ? _lists.Invoke((long)command.Client.Value, new(command.Key, ListInput(command)), ++_stamp)
        : _registers.Invoke((long)command.Client.Value, new(command.Key, RegisterInputOf(command)), ++_stamp);

    /// <summary>A client saw an answer.</summary>
    public void Return(object open, RegisterListCommand command, ReadOnlySpan<long> values)
    {
        if (open is OpenOperation<Keyed<ushort, AppendInput>, AppendOutput> list)
        {
            list.Return(command.IsRead ? AppendOutput.Of(values) : AppendOutput.Ok, ++_stamp);
            return;
        }

        var answer = command.Operation switch
        {
            RegisterListOperation.Read => RegisterOutput.Of(values[0]),
            RegisterListOperation.Write => RegisterOutput.Ok,
            _ => values[0] == 1 ? RegisterOutput.Swapped : RegisterOutput.NotSwapped,
        };
        ((OpenOperation<Keyed<ushort, RegisterInput>, RegisterOutput>)open).Return(answer, ++_stamp);
    }

    /// <summary>A client gave up.</summary>
    public static void Unknown(object open)
    {
        if (open is OpenOperation<Keyed<ushort, AppendInput>, AppendOutput> list)
        {
            list.Unknown();
        }
        else
        {
            ((OpenOperation<Keyed<ushort, RegisterInput>, RegisterOutput>)open).Unknown();
        }
    }

    /// <summary>Fails the seed unless everything that was seen has an order.</summary>
    public void MustBeLinearizable()
    {
        var options = new CheckerOptions { StepsMax = StepsMax };
        Must("registers", LinearizabilityChecker.Check(
            new KeyedModel<ushort, RegisterState, RegisterInput, RegisterOutput>(new RegisterModel()),
            _registers.ToHistory(),
            options));
        Must("lists", LinearizabilityChecker.Check(
            new KeyedModel<ushort, AppendedList, AppendInput, AppendOutput>(new AppendListModel()),
            _lists.ToHistory(),
            options));
    }

    private static void Must(string what, CheckResult result)
    {
        if (!result.IsLinearizable)
        {
            throw new InvariantException("linearizable",
                $"{what}: {result.Verdict} after {result.Steps} steps\n{result}");
        }
    }

    private static AppendInput ListInput(RegisterListCommand command) =>
        command.IsRead ? AppendInput.Read : AppendInput.Append(command.Value);

    private static RegisterInput RegisterInputOf(RegisterListCommand command) => command.Operation switch
    {
        RegisterListOperation.Read => RegisterInput.Read,
        RegisterListOperation.Write => RegisterInput.Write(command.Value),
        _ => RegisterInput.CompareAndSwap(command.Expected, command.Value),
    };
}
