namespace DistFS.Raft.Tests.Harness;

/// <summary>One member: a core, its disk, its state machine, and a shell whose every step the test can hold
/// back.</summary>
internal sealed class TestNode
{
    private readonly TestCluster _cluster;
    private readonly Queue<RaftReady> _disk = new();
    private readonly Queue<ulong> _written = new();
    private readonly Queue<RaftEntry> _toApply = new();
    private ulong _starts;

    public TestNode(TestCluster cluster, RaftOptions options, RaftConfiguration bootstrap)
    {
        _cluster = cluster;
        Options = options;
        Storage = new TestStorage(bootstrap);
        Core = Start();
    }

    public RaftOptions Options { get; private set; }

    public MemberId Id => Options.Self;

    public TestStorage Storage { get; private set; }

    public RaftCore Core { get; private set; }

    public TestMachine Machine { get; private set; } = new();

    public bool IsDown { get; private set; }

    /// <summary>Values for the disk wait for <see cref="Persist"/>.</summary>
    public bool HoldsDisk { get; set; }

    /// <summary>Committed entries wait for <see cref="ApplyWaiting"/>.</summary>
    public bool HoldsApply { get; set; }

    public IReadOnlyCollection<RaftReady> Disk => _disk;

    public List<RaftEvent> Events { get; } = [];

    public List<ReadGranted> Reads { get; } = [];

    public List<ulong> ReadsRefused { get; } = [];

    public bool Saw(RaftEventKind kind) => Events.Exists(e => e.Kind == kind);

    public void Step(RaftMessage message) => Do(core => core.Step(message));

    public void Tick(int ticks = 1)
    {
        for (var i = 0; i < ticks && !IsDown; i++)
        {
            Do(core => core.Tick());
        }
    }

    public ProposeResult Propose(string command) => Propose(System.Text.Encoding.UTF8.GetBytes(command));

    public ProposeResult Propose(byte[] command) => Ask(core => core.Propose(command));

    public ProposeResult ChangeMembership(RaftConfiguration target) => Ask(core => core.ChangeMembership(target));

    public ProposeStatus Transfer(TestNode target) => Ask(core => core.TransferLeadership(target.Id));

    public ProposeStatus Read(ulong context) => Ask(core =>
    {
        var status = core.RequestRead(context);
        if (status == ProposeStatus.Accepted)
        {
            _cluster.Oracle.Asks(this, context);
        }

        return status;
    });

    /// <summary>The oldest value goes to disk, its messages leave, and the core is told.</summary>
    public void Persist()
    {
        Write();
        Tell();
        Pump();
    }

    /// <summary>Only the disk: the core does not know yet.</summary>
    public void Write()
    {
        var ready = _disk.Dequeue();
        if (ready.Install != null)
        {
            ApplyWaiting();
        }

        if (Storage.Execute(ready))
        {
            var before = Machine.Applied;
            Machine.Load(Storage.SnapshotBytes);
            _cluster.Note($"{Id} installs {ready.Install!.Last}");
            _cluster.Oracle.Installs(this, before);
        }

        foreach (var message in ready.SendAfterPersist)
        {
            _cluster.Send(this, message);
        }

        _written.Enqueue(ready.Sequence);
    }

    /// <summary>The core is told of all that is on disk.</summary>
    public void Tell()
    {
        while (_written.TryDequeue(out var sequence))
        {
            Core.Persisted(sequence);
        }
    }

    public void Release()
    {
        HoldsDisk = HoldsApply = false;
        Pump();
    }

    public void ApplyWaiting()
    {
        while (_toApply.TryDequeue(out var entry))
        {
            Machine.Apply(entry);
            _cluster.Oracle.Applies(this, entry);
            _cluster.Note($"{Id} applies {Show.Entry(entry)}");
            Core.Applied(entry.Index);
        }
    }

    /// <summary>
    /// The process dies; of what is on its way to the disk the first <paramref name="written"/> values arrive.
    /// </summary>
    public void Crash(int written = 0)
    {
        for (var i = 0; i < written && _disk.Count > 0 && _disk.Peek().Install == null; i++)
        {
            Storage.Execute(_disk.Dequeue());
        }

        IsDown = true;
        _disk.Clear();
        _written.Clear();
        _toApply.Clear();
        HoldsDisk = HoldsApply = false;
    }

    /// <summary>The process starts; the state machine starts from its snapshot unless it is durable by
    /// itself.</summary>
    public void Restart(bool keepsMachine = false)
    {
        if (!IsDown)
        {
            Crash();
        }

        if (!keepsMachine)
        {
            Machine = new TestMachine();
            if (Storage.Snapshot != null)
            {
                Machine.Load(Storage.SnapshotBytes);
            }
        }

        IsDown = false;
        Core = Start();
        Pump();
    }

    /// <summary>
    /// The folder is lost and made anew: another store under the same id, unless somebody forged its name.
    /// </summary>
    public void Wipe(bool forgesStore = false)
    {
        Crash();
        Storage = new TestStorage(forgesStore ? _cluster.Bootstrap : RaftConfiguration.Empty);
        Options = Options with { Store = new StoreId(Options.Store.Value + (forgesStore ? 0 : 0x100UL)) };
        Restart();
    }

    /// <summary>Takes a snapshot of what is applied and forgets the log behind it.</summary>
    public void Compact(ulong keep = 0)
    {
        var at = Machine.Applied;
        if (at <= Storage.Compacted.Index || at > Storage.Last.Index)
        {
            return;
        }

        var bytes = Machine.Save();
        var meta = new SnapshotMeta
        {
            Id = _cluster.NextSnapshotId(),
            Last = new EntryId(Storage.TermAt(at), at),
            Configuration = Storage.ConfigurationAt(at),
            SizeBytes = bytes.Length,
            Checksum = Crc32C.Compute(bytes),
        };
        Storage.TakeSnapshot(meta, bytes, new LogIndex(at.Value - Math.Min(keep, at.Value - 1)));
    }

    /// <summary>Does what the core wants done, as far as nothing is held back.</summary>
    public void Pump()
    {
        do
        {
            if (Core.HasReady)
            {
                Take(Core.TakeReady());
            }

            while (!HoldsDisk && _disk.Count > 0)
            {
                Write();
                Tell();
            }

            if (!HoldsApply)
            {
                ApplyWaiting();
            }
        }
        while (Core.HasReady);
    }

    private RaftCore Start() =>
        new(Options, Storage, new Prng((Id.Value * 1000) + _starts++ + _cluster.Seed), Machine.Applied);

    private void Do(Action<RaftCore> action)
    {
        if (!IsDown)
        {
            action(Core);
            Pump();
        }
    }

    private T Ask<T>(Func<RaftCore, T> ask)
    {
        var answer = ask(Core);
        Pump();
        return answer;
    }

    private void Take(RaftReady ready)
    {
        foreach (var happened in ready.Events)
        {
            Events.Add(happened);
            _cluster.Note($"{Id} {happened}");
            if (happened.Kind == RaftEventKind.Leader)
            {
                _cluster.Oracle.Leads(this, happened.Term);
            }
        }

        foreach (var message in ready.SendNow)
        {
            _cluster.Send(this, message);
        }

        if (ready.PassesDisk)
        {
            _disk.Enqueue(ready);
        }

        foreach (var entry in ready.Apply)
        {
            _toApply.Enqueue(entry);
        }

        foreach (var read in ready.Reads)
        {
            _cluster.Oracle.Grants(this, read);
            _cluster.Note($"{Id} may answer read {read.Context} at {read.Index}");
            Reads.Add(read);
        }

        foreach (var context in ready.ReadsRefused)
        {
            _cluster.Oracle.Refuses(this, context);
            _cluster.Note($"{Id} refuses read {context}");
            ReadsRefused.Add(context);
        }
    }
}
