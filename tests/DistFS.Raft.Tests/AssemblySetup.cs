global using DistFS.Primitives;
global using Xunit;
using System.Runtime.CompilerServices;

namespace DistFS.Raft.Tests;

internal static class AssemblySetup
{
    [ModuleInitializer]
    public static void Initialise() => Check.ThrowInsteadOfFailFast();
}
