using System.Diagnostics;

namespace DistFS.Fuse;

/// <summary>
/// A small process that runs a command when this process dies, however that happens. It waits at a pipe whose other
/// end only this process has: the end of the pipe without a goodbye is the death. Signals of a terminal do not reach
/// it. It is killed together with this process only by who kills every process of a control group.
/// </summary>
/// <remarks>
/// A thread of this process that waits in the kernel for a page keeps a dead process, and the pipe, as they are:
/// whoever has locked the page waits for an answer of it. So a child of the small process looks once a second whether
/// this one is a zombie; then it aborts the connection, which frees all of them.
/// </remarks>
public sealed class FuseWatchdog : IDisposable
{
    // What is on top at $point, if it is of the type.
    private const string Find =
        """
        find() {
          found=
          while read -r id parent dev root at rest; do
            case $at in "$point")
              case " $rest " in *" - $type "*) found=$dev ;; *) found= ;; esac ;;
            esac
          done </proc/self/mountinfo
        }

        """;

    // $1: mount point as in mountinfo; $2: type; $3: device that was there before; $4: the process; $5: the script of
    // the child; then the command. The mount of this process is told apart from others at the same place by its device,
    // which it says when it knows it. Until then, it is what is on top there with the type, and was not there before.
    private const string Script = Find +
        """
        trap '' HUP INT QUIT TERM
        exec >/dev/null 2>&1
        point=$1 type=$2 before=$3 process=$4 look=$5 device= child=
        shift 5
        while read -r line; do
          case $line in
            goodbye) [ -z "$child" ] || kill -9 "$child"; exit 0 ;;
            *) device=$line
              sh -c "$look" fuse-look "$point" "$type" "$device" "$process" "$@" </dev/null &
              child=$! ;;
          esac
        done
        [ -z "$child" ] || kill -9 "$child"
        find
        [ -n "$found" ] || exit 0
        if [ -n "$device" ]; then
          [ "$found" = "$device" ] || exit 0
        else
          [ "$found" != "$before" ] || exit 0
        fi
        exec "$@"
        """;

    // $1: mount point; $2: type; $3: device; $4: the process; then the command. A process that dies is a zombie for a
    // moment, and the end of the pipe comes with it: only who is one still at the next look is stuck. Where there are
    // no controls of FUSE, a forced unmount aborts the connection too.
    private const string Look = Find +
        """
        point=$1 type=$2 device=$3 process=$4 zombie=0
        shift 4
        while sleep 1; do
          state=
          while read -r key value rest; do
            case $key in State:) state=$value ;; esac
          done <"/proc/$process/status"
          case $state in
            '') exit 0 ;;
            Z | X) zombie=$((zombie + 1)); [ $zombie -lt 2 ] || break ;;
            *) zombie=0 ;;
          esac
        done
        echo 1 >"/sys/fs/fuse/connections/${device#*:}/abort" || {
          find
          [ "$found" != "$device" ] || umount -i -f -- "$point"
        }
        find
        [ "$found" = "$device" ] || exit 0
        exec "$@"
        """;

    private readonly Process _process;

    private FuseWatchdog(Process process) => _process = process;

    /// <summary>Number of the process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Starts it, before the mount is made.</summary>
    /// <param name="mountPoint">Absolute, without symbolic links.</param>
    /// <param name="type">Of the mount, like "fuse.distfs".</param>
    /// <param name="command">Program and arguments that remove the mount.</param>
    /// <exception cref="FuseException">No process could be started.</exception>
    public static FuseWatchdog Start(string mountPoint, string type, IReadOnlyList<string> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        var before = MountEntry.Find(mountPoint)?.Device ?? "";
        var start = new ProcessStartInfo(
            "/bin/sh",
            [
                "-c", Script, "fuse-watchdog", MountEntry.Escape(mountPoint), type, before, $"{Environment.ProcessId}",
                Look, .. command,
            ])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        try
        {
            var process = Process.Start(start) ?? throw new InvalidOperationException("no process");
            process.StandardInput.AutoFlush = true;
            return new FuseWatchdog(process);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            throw new FuseException($"The watchdog of the mount could not be started: {e.Message}", Errno.ECHILD, e);
        }
    }

    /// <summary>Says which mount is ours.</summary>
    /// <param name="device">major:minor.</param>
    public void Mounted(string device) => Say(device);

    /// <summary>The mount is gone: it has nothing to do any more.</summary>
    public void Dispose()
    {
        Say("goodbye");
        _process.StandardInput.Close();
        _process.Dispose();
    }

    private void Say(string line)
    {
        try
        {
            _process.StandardInput.Write(line + "\n");
        }
        catch (IOException)
        {
            // Somebody killed it. What it would have done is done by the owner of the mount, as long as that lives.
            return;
        }
    }
}
