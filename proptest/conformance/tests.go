package conformance

// tests are the subtests by the names that Rows gives them.
var tests map[string]func(*suite)

func init() {
	tests = map[string]func(*suite){
		"F01_NoKeyWithoutTheCredential":             f01NoKeyWithoutTheCredential,
		"F02_NoKeyInAnySecurityMode":                f02NoKeyInAnySecurityMode,
		"F03_PINChangeLeavesNoOldWrap":              f03PINChangeLeavesNoOldWrap,
		"F04_EraseLeavesNoOldWrap":                  f04EraseLeavesNoOldWrap,
		"F05_NoWrapOpensWithAConstant":              f05NoWrapOpensWithAConstant,
		"F06_StorageAloneOpensNothing":              f06StorageAloneOpensNothing,
		"F07_StateIsNoSubstituteForTheKey":          f07StateIsNoSubstituteForTheKey,
		"F08_RangesHaveTheirOwnKeys":                f08RangesHaveTheirOwnKeys,
		"F09_BrokenEntropyFailsClosed":              f09BrokenEntropyFailsClosed,
		"F10_EqualPlaintextDiffersEverywhere":       f10EqualPlaintextDiffersEverywhere,
		"F11_ShortPINIsStretchedAndBoundToTheDrive": f11ShortPINIsStretchedAndBoundToTheDrive,
		"F12_TryLimitHoldsAtExactlyN":               f12TryLimitHoldsAtExactlyN,
		"F13_PowerCutBuysNoGuess":                   f13PowerCutBuysNoGuess,
		"F14_LockedOutIsLockedOut":                  f14LockedOutIsLockedOut,
		"F15_EraseChangesTheKeys":                   f15EraseChangesTheKeys,
		"F16_RevertErasesEverything":                f16RevertErasesEverything,
		"F18_PINChangeKeepsTheData":                 f18PINChangeKeepsTheData,
		"F19_NewPINUnlocksAfterPowerCycle":          f19NewPINUnlocksAfterPowerCycle,
		"F20_PowerCutLeavesOldOrNew":                f20PowerCutLeavesOldOrNew,
		"F21_EraseEndsAndSurvivesReset":             f21EraseEndsAndSurvivesReset,
		"F22_FailedEraseIsNoSuccess":                f22FailedEraseIsNoSuccess,
		"F23_LockOnResetByType":                     f23LockOnResetByType,
		"F24_KeysLeaveRAM":                          f24KeysLeaveRAM,
		"F25_FactoryPINsAreVisible":                 f25FactoryPINsAreVisible,
		"F26_SIDFollowsItsIndicatorAfterRevert":     f26SIDFollowsItsIndicatorAfterRevert,
		"F28_LockOnResetNeedsLockEnabled":           f28LockOnResetNeedsLockEnabled,
		"F30_CutSessionLeavesNothing":               f30CutSessionLeavesNothing,
		"F31_EveryCopyIsDestroyed":                  f31EveryCopyIsDestroyed,
		"F32_LockedIOFailsAtOnce":                   f32LockedIOFailsAtOnce,
	}
}
