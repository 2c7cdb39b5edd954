using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>Registers and lists, and clients that read and write them.</summary>
public sealed class RegisterWorkload : Workload
{
    // What a command is without its padding, and some more.
    private const int HeadBytesMax = 100;

    private readonly World _world;
    private readonly ClientHistory _history = new();
    private readonly List<SimulatedClient> _clients = [];

    /// <summary>For a world.</summary>
    public RegisterWorkload(World world, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(prng);
        _world = world;
        for (var i = 0; i < world.Options.Clients; i++)
        {
            _clients.Add(new SimulatedClient(world, _history, i, prng.Fork()));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IClient> Clients => _clients;

    /// <inheritdoc/>
    public override int CommandBytesMax => _world.Options.CommandPaddingMax + HeadBytesMax;

    /// <inheritdoc/>
    public override IEnumerable<Invariant> MakeInvariants(Oracle oracle)
    {
        var executed = new ExecutedOnce();
        return [executed, new AcknowledgedSurvives(oracle, executed)];
    }

    /// <inheritdoc/>
    public override IReplicatedMachine NewMachine(SimulatedNode node, out LogIndex applied)
    {
        ArgumentNullException.ThrowIfNull(node);
        applied = default;
        return new RegisterListMachine(() => node.WallClock, _world.Options.SnapshotPadding);
    }

    /// <inheritdoc/>
    public override void Start()
    {
        foreach (var client in _clients)
        {
            client.Budget = _world.Options.Operations / _world.Options.Clients;
            client.Think(_world.ThinkMicroseconds);
        }
    }

    /// <inheritdoc/>
    public override void Quiet()
    {
        foreach (var client in _clients)
        {
            client.Budget = 2;
            client.Think(_world.ThinkMicroseconds);
        }
    }

    /// <inheritdoc/>
    public override void Check() => _history.MustBeLinearizable();
}
