using DistFS.Metadata.Fsck;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Services;

/// <summary>
/// One check, on a thread of its own, over the state of one moment. While it runs the store is not replaced under it:
/// so it ends when this member does not lead any more, since only who follows gets another state.
/// </summary>
internal sealed class FsckRun
{
    private const int StepRows = 20_000;

    private readonly MetadataState _state;
    private readonly Func<FsckRun, bool> _mayGoOn;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly List<FsckFinding> _findings = [];
    private readonly FsckReply _progress;
    private long _lastAsked;

    private FsckRun(ulong id, MetadataState state, TimeProvider clock, Func<FsckRun, bool> mayGoOn)
    {
        (_state, _clock, _mayGoOn, _lastAsked) = (state, clock, mayGoOn, clock.GetTimestamp());
        _progress = new FsckReply { Run = id, Phase = "chunks" };
        Completion = Task.Factory.StartNew(
            Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Which it is.</summary>
    public ulong Id => _progress.Run;

    /// <summary>Ends with the check; never fails.</summary>
    public Task Completion { get; }

    /// <summary>For how long nobody has asked.</summary>
    public TimeSpan Unasked => _clock.GetElapsedTime(Volatile.Read(ref _lastAsked));

    /// <summary>Begins one.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="state">Of this member; a read was granted.</param>
    /// <param name="clock">To know for how long nobody has asked.</param>
    /// <param name="mayGoOn">Asked between steps of a few thousand rows.</param>
    public static FsckRun Start(ulong id, MetadataState state, TimeProvider clock, Func<FsckRun, bool> mayGoOn) =>
        new(id, state, clock, mayGoOn);

    /// <summary>How far it is.</summary>
    public FsckReply Ask(uint known)
    {
        Volatile.Write(ref _lastAsked, _clock.GetTimestamp());
        lock (_gate)
        {
            var reply = _progress.Clone();
            reply.Findings.AddRange(_findings.Skip((int)Math.Min(known, int.MaxValue)));
            return reply;
        }
    }

    private void Run()
    {
        try
        {
            _state.Read(this, static (store, run) =>
            {
                if (MetadataCheck.Begin(store) is not { } check)
                {
                    run.End(Redirection.Starting.Status, Redirection.Starting.Code, "");
                    return 0;
                }

                var more = true;
                while (more && run._mayGoOn(run))
                {
                    more = check.Step(StepRows);
                    run.Report(check, isDone: !more);
                }

                if (more)
                {
                    run.End((int)FsStatus.Cancelled, 0, "The check was given up: nobody asked, or another one leads.");
                }

                return 0;
            });
        }
        catch (Exception error)
        {
            // A row that cannot be read is what a check is for: whoever asks is told. The member goes on.
            End((int)FsStatus.Corrupt, (error as DistFsException)?.Code.Number ?? 0, error.Message);
        }
    }

    private void Report(MetadataCheck check, bool isDone)
    {
        lock (_gate)
        {
            _progress.Phase = check.Phase.ToString().ToLowerInvariant();
            _progress.Rows = (ulong)check.Rows;
            _progress.Done = isDone;
            _progress.FindingsTotal = (ulong)check.FindingsTotal;
            foreach (var finding in check.Findings.Skip(_findings.Count))
            {
                _findings.Add(new FsckFinding
                {
                    Kind = finding.Kind.ToString().ToLowerInvariant(),
                    Inode = finding.Inode.Value,
                    Text = finding.Text,
                });
            }
        }
    }

    private void End(int status, int code, string failure)
    {
        lock (_gate)
        {
            (_progress.Status, _progress.Code, _progress.Failure, _progress.Done) = (status, code, failure, true);
        }
    }
}
